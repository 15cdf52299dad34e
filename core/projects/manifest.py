"""valohai.yaml: read, checked, and asked for its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import InvalidInputError, NotFoundError
from core.projects.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valohai_yaml.objs import Config, Step

__all__ = ["Finding", "Manifest", "ManifestError", "close_match", "lint", "read_manifest"]

_SHOWN_ERRORS = 5


class ManifestError(InvalidInputError):
    """The file cannot be used; `findings` holds everything that was found, warnings included."""

    code = "invalid_manifest"

    def __init__(self, name: str, findings: list[Finding]) -> None:
        super().__init__(_summary(name, [finding for finding in findings if finding.severity == "error"]), field=name)
        self.name = name
        self.findings = findings


class Manifest:
    """A valohai.yaml that can be used: `findings` holds its warnings, `config` what the library made of it."""

    def __init__(self, text: str, config: Config, findings: list[Finding], *, name: str = "valohai.yaml") -> None:
        self.text = text
        self.config = config
        self.findings = findings
        self.name = name

    def step_names(self) -> list[str]:
        """Return the names of the steps, in the file's order."""
        return list(self.config.steps)

    def step(self, name: str) -> Step:
        """Return the step called `name`.

        Raises:
            NotFoundError: there is none; the message says which there are.
        """
        step = self.config.steps.get(name)
        if step is None:
            message = f"{self.name} has no step {name!r}{close_match(name, self.config.steps)}"
            names = ", ".join(map(repr, self.step_names())) or "none: add one, starting with `- step:`"
            raise NotFoundError(f"{message}; its steps: {names}", field="step")
        return step


def read_manifest(text: str | bytes, *, name: str = "valohai.yaml") -> Manifest:
    """Return the checked content of a valohai.yaml; `name` is how messages call the file.

    Raises:
        ManifestError: it has errors; warnings alone are kept in `Manifest.findings`.
    """
    from core.projects.lint import check  # noqa: PLC0415

    checked = check(text)
    if checked.config is None:
        raise ManifestError(name, checked.findings)
    return Manifest(checked.text, checked.config, checked.findings, name=name)


def lint(text: str | bytes) -> list[Finding]:
    """Return everything worth a remark in a valohai.yaml, by line; never raises for what the text holds."""
    from core.projects.lint import check  # noqa: PLC0415

    return check(text).findings


def close_match(name: str, names: Iterable[str]) -> str:
    """Return a question that offers the most similar of `names`, empty where none is similar."""
    import difflib  # noqa: PLC0415

    matches = difflib.get_close_matches(name, list(names), n=1)
    return f" (did you mean {matches[0]!r}?)" if matches else ""


def _summary(name: str, errors: list[Finding]) -> str:
    reasons = [
        error.message if error.line is None else f"line {error.line}: {error.message}"
        for error in errors[:_SHOWN_ERRORS]
    ]
    if len(errors) == 1:
        return f"{name}, {reasons[0]}"
    if more := len(errors) - _SHOWN_ERRORS:
        reasons += [f"and {more} more: see `shoal lint`"] if more > 0 else []
    return f"{name} has {len(errors)} errors:\n" + "\n".join(f"  {reason}" for reason in reasons)
