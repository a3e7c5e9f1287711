"""The option of a lip: walls of finite thickness."""

import re
from typing import TYPE_CHECKING, Annotated

import typer

from .quantities import quantity

if TYPE_CHECKING:
    import analytic
    from data.elements import Lip

LipText = Annotated[
    str | None,
    typer.Option(
        "--lip",
        metavar="KIND:SIZE",
        help="The wall has a thickness, outside of its inner radius, and a lip: flat:0.1, round:0.1, "
        "elliptic:0.1:0.3 (thickness, axial length) [duct radii], with --radius also flat:20mm; or spline:FILE, points "
        "x and r [duct radii] from the inner wall over x = 0 to the outer wall.",
    ),
]


def lip_or_none(text: str | None, source: "analytic.DuctMode", **others: object) -> "Lip | None":
    """Lip of a text whose lengths may have units, for a physical source.

    others : what the command has beside it and a lip has not, by option; refused unless it is None or False.

    Raises
    ------
    ValueError
        The text is something else, a unit without --radius, or an option that does not go with a lip.
    """
    if text is None:
        return None
    for name, value in others.items():
        if value is not None and value is not False:
            raise ValueError(f"--lip {text} does not go with --{name}: the flow is uniform and the wall is hard")
    from data.elements import Lip

    kind, *lengths = text.split(":")
    if kind in ("flat", "round", "elliptic"):
        text = ":".join([kind, *(_radii(length, source) for length in lengths)])
    return Lip.parse(text)


def _radii(text: str, source: "analytic.DuctMode") -> str:
    """A length with a unit in duct radii; a number, or what is neither, stays as it is."""
    from analytic import PhysicalMode

    if not re.fullmatch(r"[-+.\d].*[^.\d]", text.strip()):
        return text
    if not isinstance(source, PhysicalMode):
        raise ValueError(f"a lip's length with a unit needs --radius, got {text!r}")
    return f"{quantity(text, 'm', 'lip') / source.duct.radius:.12g}"


def describe_lip(lip: "Lip") -> str:
    """A lip in words."""
    if lip.kind != "spline":
        return str(lip)
    return f"spline of {len(lip.points)} points, thickness {lip.thickness:.6g}, length {lip.length:.6g}"
