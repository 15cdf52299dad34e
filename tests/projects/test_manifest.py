"""valohai.yaml: what is said of broken, hostile and odd files, and on which line."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotFoundError
from core.projects import yaml_document
from core.projects.findings import Finding
from core.projects.lint import KINDS
from core.projects.manifest import ManifestError, lint, read_manifest
from core.projects.yaml_document import MAXIMUM_BYTES, Document

EXAMPLES = sorted((Path(__file__).parent / "manifests").glob("*.yaml"))

STEP = """\
- step:
    name: train
    image: debian:stable-slim
    command: echo {parameters}
"""


def findings(text: str, *, starting_with: str = "") -> list[tuple[str, int | None, str]]:
    return [(found.severity, found.line, found.message) for found in lint(starting_with + dedent(text))]


def errors(text: str, *, starting_with: str = "") -> list[tuple[int | None, str]]:
    return [
        (line, message)
        for severity, line, message in findings(text, starting_with=starting_with)
        if severity == "error"
    ]


def test_a_step_is_read() -> None:
    manifest = read_manifest(STEP)
    assert manifest.step_names() == ["train"]
    assert manifest.step("train").image == "debian:stable-slim"
    assert manifest.findings == []
    assert manifest.text == STEP


def test_an_unknown_step_offers_the_nearest() -> None:
    with pytest.raises(NotFoundError, match=r"no step 'trian' \(did you mean 'train'\?\); its steps: 'train'"):
        read_manifest(STEP).step("trian")


def test_an_empty_file_has_no_steps_and_says_so() -> None:
    manifest = read_manifest("")
    assert [found.severity for found in manifest.findings] == ["warning"]
    with pytest.raises(NotFoundError, match="its steps: none"):
        manifest.step("train")


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        ("- step:\n    name: a\n\timage: b\n", 3, "tab"),
        ("- step: [1\n- b: 2\n", 2, "not valid YAML"),
        ("- 'abc\n", None, "not valid YAML"),
        ("- a: *nothing\n", 1, "undefined alias"),
        ("- a\n- b: \x1b[31m\n", 2, "control character U+001B"),
        ("- 2024-13-45\n", 1, "month must be in 1..12"),
        ("- a\n- !!python/object/apply:os.system [reboot]\n", 2, "could not determine a constructor"),
        ("- a\n- {[1]: b}\n", 2, "unhashable key"),
        ("--- [a]\n--- [b]\n", 2, "single document"),
        (b"- a\n- \xff\xfe\n", 2, "0xff is not UTF-8"),
        ("- step:\n    name: x\n".encode("utf-16"), 1, "is not UTF-8"),
        ("step:\n  name: a\n", 1, "must be a list"),
        ("just text\n", 1, "must be a list"),
        ("- just text\n", 1, "an item must be a mapping"),
        ("- step:\n- step: text\n", 1, "'step' holds nothing"),
        ("- step:\n    name: 1" + "1" * 5000, 2, "digits"),
        ("- " + "[" * 150 + "]" * 150, 1, "nested more than 100 levels"),
        ("".join(f"- &n{n} [*n{n - 1}]\n" if n else "- &n0 [x]\n" for n in range(120)), 99, "nested more than 100"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(content: str | bytes, line: int | None, reason: str) -> None:
    found = lint(content)
    first = next(finding for finding in found if finding.severity == "error")
    assert reason in first.message
    assert line is None or first.line == line
    with pytest.raises(ManifestError) as caught:
        read_manifest(content)
    assert caught.value.findings == found
    assert reason in caught.value.message


def test_schema_errors_name_the_place_and_its_line() -> None:
    text = """\
        - step:
            name: train
            image: debian
            command: [echo, 5]
            parameter:
              - name: x
        - step:
            name: no image
            command: x
        - step:
            name: evaluate
            image: x
            command: {a: b}
            parameters:
              - name: p
                type: int
                min: low
              - type: string
            inputs:
              - name: data
                keep-directories: sometimes
              - name: off
    """
    assert errors(text) == [
        (4, "step 'train', command, number 2: must be a text, not 5: put it in quotes"),
        (5, "step 'train': unknown key 'parameter' (did you mean 'parameters'?)"),
        (7, "step 'no image': 'image' is missing"),
        (13, "step 'evaluate', command: must be a list or a text, not a mapping"),
        (16, "step 'evaluate', parameters, 'p', type: must be one of flag, float, integer, string, not 'int'"),
        (17, "step 'evaluate', parameters, 'p', min: must be a number, not 'low'"),
        (18, "step 'evaluate', parameters, number 2: 'name' is missing"),
        (21, "step 'evaluate', inputs, 'data', keep-directories: must be one of none, full, suffix, not 'sometimes'"),
        (22, "step 'evaluate', inputs, number 2, name: must be a text, not False: put it in quotes"),
    ]


def test_pipeline_errors_name_the_node_and_the_edge() -> None:
    text = """\
        - pipeline:
            name: whole
            nodes:
              - name: a
                type: execution
                stepp: train
            edges: []
    """
    assert errors(text, starting_with=STEP) == [
        (8, "pipeline 'whole', nodes, 'a': 'step' is missing"),
        (10, "pipeline 'whole', nodes, 'a': unknown key 'stepp' (did you mean 'step'?)"),
    ]
    text = """\
        - pipeline:
            name: whole
            nodes:
              - {name: a, type: execution, step: train}
              - {name: a, type: execution, step: trian}
            edges:
              - [a.output.x, b.input.y]
    """
    found = errors(text, starting_with=STEP)
    assert [line for line, _ in found] == [5, 9, 11]
    assert "2 nodes with the same name" in found[0][1]
    assert '"trian" does not exist' in found[1][1]
    assert "target node b does not exist" in found[2][1]


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("time-limit", '"5"', 5),
        ("time-limit", "5 parsecs", 5),
        ("no-output-timeout", '"-"', 5),
        ("time-limit", "-3", 5),
        ("time-limit", "9" * 30, 5),
        ("stop-condition", '"accuracy >"', 5),
        ("stop-condition", "'" + "(" * 500 + "'", 5),
        ("stop-condition", "'" + "-" * 3000 + "1'", 5),
        ("stop-condition", "__import__('os').system('reboot')", 5),
        ("runtime-config-preset", "big", 1),
    ],
)
def test_a_value_that_the_schema_allows_may_be_wrong_all_the_same(key: str, value: str, line: int) -> None:
    found = lint(f"{STEP}    {key}: {value}\n")
    assert [(finding.severity, finding.line) for finding in found] == [("error", line)]


def test_lint_of_parameters_has_the_line_of_the_parameter() -> None:
    text = """\
        - step:
            name: train
            image: debian
            command: "true"
            parameters:
              - {name: count, type: integer, default: many}
              - name: verbose
                type: flag
                optional: true
              - {name: version, default: 1.10}
    """
    assert findings(text) == [
        ("warning", 6, "Step train, parameter count: default many is not an integer"),
        ("warning", 7, "Step train, parameter verbose: `optional` has no effect on flag-type parameters"),
        ("warning", 10, "Step train, parameter version: default 1.1 is not a text: put it in quotes"),
    ]


@pytest.mark.parametrize(
    "entry",
    [
        'parameters: [{name: p, pass-as: "{v:>9999999999}"}]',
        'parameters: [{name: p, pass-as: "{v:{value}}"}]',
        'parameters: [{name: p, pass-as: "{name.__class__}"}]',
        'parameters: [{name: p, pass-as: "{0}"}]',
        'parameters: [{name: p, pass-as: "{"}]',
        'parameters: [{name: p, type: flag, pass-true-as: "{nothing}"}]',
        "parameters: [{name: p, type: flag, multiple: repeat}]",
        'parameters: [{name: "a\\eb"}]',
        'inputs: [{name: "../outside"}]',
        'inputs: [{name: ".."}]',
        'inputs: [{name: "a/b"}]',
        'inputs: [{name: ""}]',
        'environment-variables: [{name: "A=B"}]',
        'environment-variables: [{name: ""}]',
        'description: "a\\0b"',
    ],
)
def test_what_would_be_unsafe_is_an_error_on_its_line(entry: str) -> None:
    found = lint(f"{STEP}    {entry}\n")
    assert [finding.severity for finding in found] == ["error"]
    assert found[0].line == (1 if "multiple" in entry else 5)


@pytest.mark.parametrize(
    ("key", "value"), [("name", '"a\\nb"'), ("name", '" "'), ("image", '" "'), ("command", '" "'), ("command", "[]")]
)
def test_a_step_needs_a_printable_name_an_image_and_a_command(key: str, value: str) -> None:
    step = {"name": "a", "image": "b", "command": "c"} | {key: value}
    text = "- step:\n" + "".join(f"    {name}: {given}\n" for name, given in step.items())
    assert [line for line, _ in errors(text)] == [2 + list(step).index(key)]


def test_short_formats_in_templates_are_allowed() -> None:
    assert (
        lint(f'{STEP}    parameters: [{{name: p, type: float, pass-as: "-p {{v:.3f}} {{name}}={{value!r}}"}}]\n') == []
    )


def test_unknown_and_misplaced_keys_at_the_top_are_warnings() -> None:
    text = "- steps: []\n- step: {name: a, image: b, command: c}\n  task: {name: t, step: a, parameters: []}\n"
    assert [(severity, line) for severity, line, _ in findings(text)] == [("warning", 1), ("warning", 3)]
    assert read_manifest(text).step_names() == ["a"]


def test_of_two_steps_with_one_name_the_last_holds_with_a_warning() -> None:
    manifest = read_manifest(STEP + STEP.replace("stable", "testing"))
    assert manifest.step("train").image == "debian:testing-slim"
    assert manifest.findings == [Finding("warning", "there are two steps called 'train': this one, the last, holds", 6)]


def test_a_key_given_twice_is_a_warning() -> None:
    text = STEP + "    image: debian:testing-slim\n"
    assert [(severity, line) for severity, line, _ in findings(text)] == [("warning", 5)]
    assert read_manifest(text).step("train").image == "debian:testing-slim"


def test_several_errors_are_listed_and_the_rest_counted() -> None:
    with pytest.raises(ManifestError) as caught:
        read_manifest("- step: {name: a}\n" * 9, name="other.yaml")
    assert caught.value.field == "other.yaml"
    assert caught.value.message.splitlines() == [
        "other.yaml has 9 errors:",
        *(f"  line {line}: step 'a': 'command' and 'image' are missing" for line in range(1, 6)),
        "  and 4 more: see `shoal lint`",
    ]


def bombs() -> dict[str, str]:
    letters = "abcdefghijklmnop"
    doubling = "- &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"- &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in pairwise(letters)
    )
    merging = "- &a {k0: x, k1: x}\n" + "".join(
        f"- &{name} {{<<: [{','.join([f'*{before}'] * 10)}]}}\n" for before, name in pairwise(letters)
    )
    chain = "- &n0 [x]\n" + "".join(f"- &n{number} [*n{number - 1}]\n" for number in range(1, 3000))
    return {
        "ten megabytes": "- a\n" * 2_500_000,
        "more than a mebibyte": "#" * (MAXIMUM_BYTES + 1),
        "aliases of aliases": doubling,
        "merges of merges": merging,
        "a chain of aliases": chain,
        "an alias of itself": "- &a [*a]\n",
        "a merge of itself": "- &a {<<: *a}\n",
        "deep brackets": "[" * 500_000,
        "deep braces": "{a: " * 200_000,
        "deep lists": "- " * 300_000,
        "deep indentation": "".join(" " * depth + "a:\n" for depth in range(1000)),
        "many values": "- a\n" * 250_000,
        "many anchors": "".join(f"- &a{number} x\n" for number in range(70_000)),
        "many errors": "- step: {name: a}\n" * 20_000,
        "open braces": f"- step:\n    name: a\n    image: b\n    command: '{'{' * 900_000}'\n",
        "a long expression": f"{STEP}    stop-condition: {'a+' * 100_000}a\n",
        "a long key": f"- ? {'a' * 100_000}\n  : b\n",
        "long names": "".join(f"- step: {{name: {'a' * 9_000}}}\n" for _ in range(100)),
        "many warnings": "- a: b\n" * 20_000 + "- step: {name: a}\n",
        "many parameters": f"{STEP}    parameters:\n" + "".join(f"      - {{name: p{n}}}\n" for n in range(20_000)),
        "many nodes": "- pipeline:\n    name: p\n    nodes:\n"
        + "".join(f"      - {{name: n{n}, type: execution, step: s}}\n" for n in range(9_000))
        + "    edges: []\n",
    }


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_does_not_go_off(name: str) -> None:
    found = lint(bombs()[name])
    assert len(found) <= 100
    assert all(len(finding.message) <= 400 for finding in found)
    harmless = {"a long key", "many parameters"}
    assert any(finding.severity == "error" for finding in found) == (name not in harmless)


@pytest.mark.parametrize("name", [name for name in bombs() if name.startswith(("deep", "alias", "merge", "a ", "an "))])
def test_a_bomb_does_not_go_off_without_the_c_library(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_document, "_Loader", yaml.SafeLoader)
    test_a_bomb_does_not_go_off(name)


@pytest.mark.slow
def test_a_bomb_takes_neither_memory_nor_the_stack() -> None:
    script = (
        "import resource, sys\n"
        "from core.projects.manifest import lint\n"
        "from tests.projects.test_manifest import bombs\n"
        "texts = bombs()\n"
        "lint('- step: {name: a, image: b, command: c}')\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for text in texts.values(): lint(text)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    root = Path(__file__).parents[2]
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert int(result.stdout) < 400, "MiB"


@given(st.text() | st.binary())
def test_nothing_makes_lint_raise(content: str | bytes) -> None:
    for finding in lint(content):
        assert finding.severity in {"error", "warning"}


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*KINDS, "name", "image", "command", "parameters", "inputs", "type", "default", "nodes", "edges"]
            )
            | st.integers(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(values, max_size=3))
def test_no_data_makes_lint_raise(data: list[object]) -> None:
    for finding in lint(yaml.safe_dump(data, allow_unicode=True)):
        assert finding.line is None or finding.line >= 1


@given(
    st.fixed_dictionaries(
        {"name": st.just("a"), "image": st.just("b"), "command": st.just("c")},
        optional=dict.fromkeys(("parameters", "inputs", "environment-variables", "mounts", "resources"), values),
    )
)
def test_no_step_makes_lint_raise(step: dict[str, object]) -> None:
    lint(yaml.safe_dump([{"step": step}]))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_data_is_what_the_library_reads(path: Path) -> None:
    assert Document(path.read_text(encoding="utf-8")).data == yaml.safe_load(path.read_bytes())


def test_an_image_that_is_none_is_told_and_the_other_steps_run() -> None:
    text = "- step: {name: a, image: ../../etc, command: b}\n- step: {name: c, image: debian, command: d}\n"
    (found,) = lint(text)
    assert (found.severity, found.line, "Docker image" in found.message) == ("warning", 1, True)
    assert read_manifest(text).step_names() == ["a", "c"]
