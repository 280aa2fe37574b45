"""Our own Textual themes, and the stylesheets that arrange the screens."""

from __future__ import annotations

from pathlib import Path

from textual.theme import Theme

DARK = Theme(
    name="lorch-dark",
    primary="#7da6e8",
    secondary="#a3aec4",
    accent="#e3b778",
    success="#86c795",
    warning="#e8a553",
    error="#f0787a",
    foreground="#d6dbe6",
    background="#10141b",
    surface="#161b25",
    panel="#1d2430",
    dark=True,
    variables={
        "border": "#7da6e8",
        "border-blurred": "#333d4e",
        "text-primary": "#9dbdf0",
        "text-accent": "#e3b778",
        "text-success": "#8fd19e",
        "text-warning": "#f0b064",
        "text-error": "#f58a8a",
        "scrollbar": "#3a4659",
        "scrollbar-hover": "#4d5c74",
        "scrollbar-active": "#7da6e8",
        "scrollbar-background": "#161b25",
        "scrollbar-background-hover": "#161b25",
        "scrollbar-background-active": "#161b25",
        "scrollbar-corner-color": "#161b25",
    },
)
"""The default: a calm night sky, blue for what moves, green for what is well, sand for keys, orange for trouble."""

LIGHT = Theme(
    name="lorch-light",
    primary="#2f6db5",
    secondary="#565f72",
    accent="#9a5b13",
    success="#2c7a47",
    warning="#a65f00",
    error="#b8322f",
    foreground="#262b33",
    background="#fbfaf7",
    surface="#f5f3ee",
    panel="#e8e5dc",
    dark=False,
    variables={
        "border": "#2f6db5",
        "border-blurred": "#cfcabd",
        "text-primary": "#245a99",
        "text-accent": "#86500f",
        "text-success": "#226b3b",
        "text-warning": "#8f5200",
        "text-error": "#a62825",
        "warning-muted": "#f3dfb8",
        "scrollbar": "#c9c3b4",
        "scrollbar-background": "#f5f3ee",
        "scrollbar-background-hover": "#f5f3ee",
        "scrollbar-background-active": "#f5f3ee",
    },
)
"""Paper and ink."""

CONTRAST = Theme(
    name="lorch-contrast",
    primary="#3d86b9",
    secondary="#ffffff",
    accent="#ffe14d",
    success="#57ff7e",
    warning="#ffb000",
    error="#ff7070",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    dark=True,
    variables={
        "border": "#ffe14d",
        "border-blurred": "#a0a0a0",
        "text-primary": "#8cceff",
        "text-accent": "#ffe14d",
        "text-success": "#57ff7e",
        "text-warning": "#ffb000",
        "text-error": "#ff9090",
    },
)
"""For bright rooms and tired eyes: nothing below 7:1, also on the row under the cursor (a tint of the primary)."""

ANSI = Theme(
    name="lorch-ansi",
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_magenta",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    ansi=True,
    dark=True,
    variables={
        "ansi-background": "ansi_black",
        "ansi-foreground": "ansi_white",
        "block-cursor-background": "ansi_blue",
        "block-cursor-foreground": "ansi_bright_white",
        "input-cursor-background": "ansi_white",
        "input-cursor-foreground": "ansi_black",
        "input-selection-background": "ansi_blue",
        "input-selection-foreground": "ansi_bright_white",
        "screen-selection-background": "ansi_blue",
        "screen-selection-foreground": "ansi_bright_white",
        "border": "ansi_blue",
        "border-blurred": "ansi_bright_black",
        "text-primary": "ansi_blue",
        "text-accent": "ansi_magenta",
        "text-success": "ansi_green",
        "text-warning": "ansi_yellow",
        "text-error": "ansi_red",
        "scrollbar": "ansi_bright_black",
        "scrollbar-hover": "ansi_blue",
        "scrollbar-active": "ansi_blue",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
    },
)
"""The terminal's own sixteen colours and its own ground, whatever they are: for consoles, and for those who chose."""

THEMES: tuple[Theme, ...] = (DARK, LIGHT, CONTRAST, ANSI)
"""Ours, the default first."""

DEFAULT_THEME = DARK.name

_FOLDER = Path(__file__).parent

STYLESHEETS: tuple[Path, ...] = (_FOLDER / "dashboard.tcss", _FOLDER / "ansi.tcss")
"""What arranges the first screen, and what is so on every screen; read in this order."""

DIALOGS = _FOLDER / "dialogs.tcss"
"""What arranges every other screen: read before the first of them opens."""
