"""The colours can be read: every text on every ground that it stands on."""

from __future__ import annotations

from itertools import product

import pytest
from textual.color import Color

from tui.themes import CONTRAST, DARK, LIGHT, OWN, known, names

TEXTS = ("text", "text-muted", "text-success", "text-error", "text-primary", "text-accent", "text-warning")
GROUNDS = ("background", "surface", "panel")


def ratio(one: Color, other: Color) -> float:
    """Return the contrast of two colours as WCAG 2 defines it, from 1 to 21."""

    def luminance(color: Color) -> float:
        parts = [part / 255 for part in color.rgb]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("theme", "least"), [(DARK, 4.5), (LIGHT, 4.5), (CONTRAST, 7)], ids=str)
def test_every_text_stands_out_from_every_ground(theme: object, least: float) -> None:
    assert theme in OWN
    variables = theme.to_color_system().generate() | theme.variables
    for text, ground in product(TEXTS, GROUNDS):
        found = ratio(Color.parse(variables[text]), Color.parse(variables[ground]))
        assert found >= least, f"{text} on {ground}: {found:.2f}"
    for kind in ("", "-blurred"):
        cursor = [Color.parse(variables[f"block-cursor{kind}-{part}"]) for part in ("foreground", "background")]
        assert ratio(*cursor) >= least, f"cursor{kind}"


@pytest.mark.parametrize("theme", [DARK, LIGHT, CONTRAST], ids=lambda theme: theme.name)
def test_good_and_bad_differ_for_eyes_that_see_no_red_or_no_green(theme: object) -> None:
    variables = theme.variables  # type: ignore[attr-defined]
    tones = [Color.parse(variables[f"text-{name}"]).rgb for name in ("success", "error", "primary", "warning")]
    for sight in (_no_red, _no_green):
        seen = [sight(*tone) for tone in tones]
        for number, one in enumerate(seen):
            for other in seen[number + 1 :]:
                assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 25, (theme, sight)


def _no_red(red: int, green: int, blue: int) -> tuple[float, float, float]:
    # The matrices of Viénot, Brettel and Mollon (1999), on the values as they are sent: near enough to compare.
    return 0.11 * red + 0.89 * green, 0.11 * red + 0.89 * green, 0.004 * red - 0.004 * green + blue


def _no_green(red: int, green: int, blue: int) -> tuple[float, float, float]:
    return 0.29 * red + 0.71 * green, 0.29 * red + 0.71 * green, -0.02 * red + 0.02 * green + blue


def test_every_name_that_is_offered_is_known() -> None:
    assert [known(name) for name in names()] == list(names())
