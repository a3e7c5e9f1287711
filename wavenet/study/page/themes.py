"""Colours of the page's pictures, for a light and for a dark theme.

Colour maps are safe for colour-blind readers: blue to orange where there is a sign, one hue of growing depth where
there is none.
"""

from dataclasses import dataclass

CIVIDIS = (
    "#00224e",
    "#123570",
    "#3b496c",
    "#575d6d",
    "#707173",
    "#8a8678",
    "#a59c74",
    "#c3b369",
    "#e1cc55",
    "#fee838",
)


@dataclass(frozen=True)
class Theme:
    """Colours: of text, of lines, of the wall, the liner and the hub, of the exact solution, the surrogate and a held
    case, of the chosen point; and maps with and without sign.
    """

    ink: str
    muted: str
    grid: str
    wall: str
    exact: str
    surrogate: str
    held: str
    liner: str
    hub: str
    point: str
    signed: tuple[str, ...]
    growing: tuple[str, ...]


THEMES = {
    "light": Theme(
        ink="#1f2a33",
        muted="#56646f",
        grid="#e3e8eb",
        wall="#10181e",
        exact="#0067a5",
        surrogate="#c8500a",
        held="#7a3fa0",
        liner="#1b8a4b",
        hub="#9aa6ae",
        point="#10181e",
        signed=("#08306b", "#2166ac", "#6baed6", "#c9dff0", "#f8f8f6", "#fbd3ab", "#ef9250", "#c1560f", "#6b2b04"),
        growing=("#f8f8f6", "#cfdcec", "#9db9dd", "#6f8fca", "#5664b0", "#49408f", "#351f62"),
    ),
    "dark": Theme(
        ink="#dfe8ed",
        muted="#93a3ae",
        grid="#24313a",
        wall="#f2f6f8",
        exact="#5cb8ee",
        surrogate="#f0a04b",
        held="#c79bec",
        liner="#46c781",
        hub="#4a5964",
        point="#ffffff",
        signed=("#b5defc", "#63aee6", "#2f729f", "#193f59", "#131b21", "#4b2713", "#9b4d1a", "#e28d48", "#ffd5a8"),
        growing=("#131b21", "#1f3350", "#2d5383", "#4a78b3", "#7f9fd8", "#b9c2f2", "#eeeaff"),
    ),
}
