"""The colours of the console. Good, bad, busy and waiting differ in lightness or in blue, which most eyes see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.theme import Theme

from core.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App

DEFAULT = "shoal-dark"
MONOCHROME = "monochrome"
OTHERS = ("ansi-dark", "ansi-light", "nord", "gruvbox", "tokyo-night", "dracula", "solarized-light", "catppuccin-latte")
"""Themes that come with Textual and are offered beside our own; the first two use the terminal's own colours."""


def _tones(good: str, bad: str, busy: str, waiting: str, muted: str, text: str) -> dict[str, str]:
    """Return the variables that texts are coloured by: written out, because a tint of them would lose contrast."""
    return {
        "text": text,
        "text-muted": muted,
        "text-disabled": muted,
        "text-success": good,
        "text-error": bad,
        "text-primary": busy,
        "text-accent": busy,
        "text-secondary": busy,
        "text-warning": waiting,
    }


def _cursor(background: str, foreground: str, blurred: str) -> dict[str, str]:
    return {
        "block-cursor-background": background,
        "block-cursor-foreground": foreground,
        "block-cursor-blurred-background": blurred,
        "block-cursor-blurred-foreground": foreground,
        "block-cursor-text-style": "bold",
    }


DARK = Theme(
    name="shoal-dark",
    primary="#62B0F4",
    secondary="#8FA6BD",
    accent="#8CC8FF",
    success="#4ECDA4",
    error="#FF8163",
    warning="#F0C453",
    foreground="#D9E0E8",
    background="#0F151C",
    surface="#151D26",
    panel="#1C2630",
    dark=True,
    variables=_tones("#4ECDA4", "#FF8163", "#6FB9F8", "#F0C453", "#8E9CAB", "#D9E0E8")
    | _cursor("#24507A", "#FFFFFF", "#22313F")
    | {"scrollbar": "#33475A", "scrollbar-background": "#131A22", "border": "#4C6C8A", "border-blurred": "#2C3A48"},
)
LIGHT = Theme(
    name="shoal-light",
    primary="#0B5CA6",
    secondary="#4A6178",
    accent="#0B5CA6",
    success="#00694E",
    error="#A6003D",
    warning="#7A5600",
    foreground="#1A222C",
    background="#FBFCFD",
    surface="#F2F5F8",
    panel="#E5EAF0",
    dark=False,
    variables=_tones("#00694E", "#A6003D", "#0B5CA6", "#735100", "#55616E", "#1A222C")
    | _cursor("#BFDCF7", "#0B1520", "#DFE7EF")
    | {"scrollbar": "#A9B8C7", "scrollbar-background": "#EEF2F5", "border": "#5B82A8", "border-blurred": "#C6D0DA"},
)
CONTRAST = Theme(
    name="high-contrast",
    primary="#8FD3FF",
    secondary="#FFFFFF",
    accent="#FFE95C",
    success="#7CFFB8",
    error="#FFA68C",
    warning="#FFE95C",
    foreground="#FFFFFF",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables=_tones("#7CFFB8", "#FFA68C", "#8FD3FF", "#FFE95C", "#D6D6D6", "#FFFFFF")
    | _cursor("#FFE95C", "#000000", "#FFFFFF")
    | {"border": "#FFFFFF", "border-blurred": "#D6D6D6", "scrollbar": "#FFFFFF", "scrollbar-background": "#202020"},
)
PLAIN = Theme(
    name=MONOCHROME,
    primary="ansi_default",
    secondary="ansi_default",
    accent="ansi_default",
    success="ansi_default",
    error="ansi_default",
    warning="ansi_default",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    ansi=True,
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "input-cursor-background": "ansi_default",
        "input-cursor-foreground": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_default",
        "input-selection-foreground": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "block-cursor-background": "ansi_default",
        "block-cursor-text-style": "reverse",
        "block-cursor-blurred-foreground": "ansi_default",
        "block-cursor-blurred-background": "ansi_default",
        "block-cursor-blurred-text-style": "underline",
        "border": "ansi_default",
        "border-blurred": "ansi_default",
        "text-muted": "ansi_default",
        "text-disabled": "ansi_default",
        "footer-key-foreground": "ansi_default",
        "scrollbar": "ansi_default",
        "scrollbar-hover": "ansi_default",
        "scrollbar-active": "ansi_default",
        "scrollbar-background": "ansi_default",
    },
)
OWN = (DARK, LIGHT, CONTRAST, PLAIN)


def names() -> Sequence[str]:
    """Return the names of the themes that are offered."""
    return [theme.name for theme in OWN] + [*OTHERS]


def meaning(name: str) -> str:
    """Return what a theme is for, in a few words."""
    meanings = {
        "shoal-dark": "calm, on a dark ground",
        "shoal-light": "calm, on a light ground",
        "high-contrast": "black, white and bright, 7:1 at least",
        MONOCHROME: "no colour: bold, underlined and turned round",
        "ansi-dark": "the terminal's own colours, fewest bytes",
        "ansi-light": "the terminal's own colours, on a light ground",
    }
    return meanings.get(name, "comes with Textual")


def known(name: str) -> str:
    """Return the name of a theme.

    Raises:
        InvalidInputError: there is none of that name.
    """
    if name not in names():
        message = f"there is no theme {name!r}: there are {', '.join(names())}"
        raise InvalidInputError(message, field="theme")
    return name


def register(app: App[int], wanted: str) -> str:
    """Make the themes known before the first picture; return the one that is to be shown.

    Who sets NO_COLOR gets no colour at all, whatever they chose where there was colour.
    """
    for theme in OWN:
        app.register_theme(theme)
    if app.no_color:
        return MONOCHROME
    return wanted if wanted in names() else DEFAULT
