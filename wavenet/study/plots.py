"""Pictures that commands write with --plot: of one result each, to a file of any format that matplotlib knows."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from wavenet.arrays import FloatArray, Reals

from .errors import level as level_of
from .thick_wall import near_fields

if TYPE_CHECKING:  # these need PyTorch, pictures of the solver do not
    from .detection import DetectedModes
    from .differentiation import NearField
    from .solution import FarField
    from .thick_wall import LipAtAngles

_CLIPPED = 99.5  # percentile of the moduli where the colours end: the lip's singularity does not take the scale
_RANGE = 60.0  # of levels that are shown [dB]
_DOTS = 130  # per inch
_WIDE = 0.3  # height over width of maps; wider ones stand below each other
_LOWEST, _HIGHEST = 0.1, 1.6  # between which the figure's height follows the maps


def far_field(far: "FarField", title: str, path: Path) -> None:
    """Level of the pressure over the physical angle."""
    levels(far.degrees, {"": far.level}, far.reference, title, path)


def levels(degrees: FloatArray, curves: dict[str, FloatArray], reference: str, title: str, path: Path) -> None:
    """Levels [dB] over the physical angle, by what they are of; a name "" is not written."""
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = figure.subplots()
    _levels(axes, degrees, curves, reference)
    _finish(figure, title, path, axes)


def lip(found: "LipAtAngles", name: str, title: str, path: Path) -> None:
    """Levels over the physical angle, and the pressure next to the lip, of a thick wall and of the thin one."""
    figure = Figure(figsize=(11.0, 8.0), layout="constrained")
    places = figure.subplot_mosaic([["far", "far"], ["thick", "thin"]], height_ratios=(1, 1.1))
    far, thin = found.everywhere
    _levels(places["far"], far.degrees, {name: far.level, "thin wall": thin.level}, far.reference)
    places["far"].grid(alpha=0.3)
    near = near_fields(found)
    limit = float(np.percentile(np.abs(near.thin.real), _CLIPPED)) or 1.0  # one scale: they are compared
    wall = np.concatenate([[[near.x[0], 1]], found.lip.outline(), [[near.x[0], 1 + found.lip.thickness]]])
    for place, values, of, shape in (("thick", near.thick, name, wall), ("thin", near.thin, "thin wall", None)):
        _wave(places[place], near.x, near.r, values.real, "Re p [ρ c²]", limit, shape)
        places[place].set_title(of, fontsize=10)
    _finish(figure, title, path)


def _levels(axes: Any, degrees: FloatArray, curves: dict[str, FloatArray], reference: str) -> None:
    for name, values in curves.items():
        axes.plot(degrees, np.where(np.isfinite(values), values, np.nan), "." if len(degrees) == 1 else "-", label=name)
    highest = max((float(np.max(values)) for values in curves.values()), default=-math.inf)
    if math.isfinite(highest):
        axes.set_ylim(bottom=max(axes.get_ylim()[0], highest - _RANGE))
    axes.set(xlabel="physical angle [deg]", ylabel=f"level [{reference}]")
    axes.yaxis.label.set_fontsize(8)
    if any(curves):
        axes.legend(fontsize=8)


def near_field(field: Any, title: str, path: Path) -> None:
    """Real part and level of the pressure of an `analytic.Field`."""
    figure, (left, right) = _maps(field.x, field.r, 1)
    _wave(left, field.x, field.r, field.pressure.real, "Re p [ρ c²]")
    modulus = np.abs(field.pressure)
    peak = float(np.percentile(modulus, _CLIPPED)) or 1.0
    image = _map(right, field.x, field.r, level_of(modulus, peak, -_RANGE), "viridis", (-_RANGE, 0.0))
    figure.colorbar(image, ax=right, label=f"|p| [dB re {peak:.3g} ρ c²]", extend="max")
    _finish(figure, title, path)


def velocities(given: Any, found: "NearField", path: Path) -> None:
    """Real parts of both velocities of a given potential or pressure, and the errors expected of them."""
    x, r = given.x, given.r
    title = f"m = {given.m}, ka = {found.helmholtz:.6g}, M = {found.mach:.4g}"
    figure, places = _maps(x, r, 2)
    pairs = ((found.axial_velocity, found.axial_velocity_error), (found.radial_velocity, found.radial_velocity_error))
    for wave, map_, name, (velocity, error) in zip(places[::2], places[1::2], "uv", pairs, strict=True):
        _wave(wave, x, r, velocity.real, f"Re {name} [c]")
        size = float(np.sqrt(np.mean(np.abs(velocity) ** 2))) or 1.0
        values = np.log10(np.maximum(error / size, np.finfo(float).tiny))
        image = _map(map_, x, r, values, "viridis", (float(values.min()), float(values.max())))
        map_.set_title(f"expected error of {name}", fontsize=10)
        figure.colorbar(image, ax=map_, label="log₁₀, over r.m.s.")
    _finish(figure, title, path)


def modes(found: "DetectedModes", title: str, path: Path) -> None:
    """Moduli of the modes' amplitudes, with the half-widths of the intervals of their parts."""
    figure = Figure(figsize=(max(5.0, 1.5 + 0.35 * len(found.modes)), 4.0), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(found.modes))
    widths = [row.half_width for row in found.modes]
    axes.bar(places, [abs(row.amplitude) for row in found.modes], yerr=widths, capsize=3)
    axes.set_xticks(places, [f"({row.m}, {row.n})" for row in found.modes], rotation=90, fontsize=8)
    axes.set(xlabel="mode (m, n)", ylabel=f"|amplitude| [a c], bars: {found.coverage:.0%} of each part")
    _finish(figure, title, path, axes)


def _maps(x: Reals, r: Reals, rows: int) -> tuple[Figure, list[Any]]:
    """Figure, no higher than needed, and axes: two maps over x and r a row, or one below another if they are wide."""
    shape = float((r[-1] - r[0]) / (x[-1] - x[0])) if len(x) > 1 else _HIGHEST
    columns = 2 if shape > _WIDE else 1
    rows = 2 * rows // columns
    height = 8.4 / columns * min(max(shape, _LOWEST), _HIGHEST)
    # Compressed: maps have one scale in x and r, and their colour bars the maps' height.
    figure = Figure(figsize=(11.0, 0.3 + rows * (height + 0.9)), layout="compressed")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _wave(
    axes: Any, x: Reals, r: Reals, values: Reals, label: str, limit: float | None = None, wall: Reals | None = None
) -> None:
    """A quantity of either sign, with its colours around zero, up to a limit; wall : see `_map`."""
    limit = limit or float(np.percentile(np.abs(values), _CLIPPED)) or 1.0
    image = _map(axes, x, r, values, "RdBu_r", (-limit, limit), wall)
    beyond = "both" if float(np.max(np.abs(values))) > limit else "neither"
    axes.figure.colorbar(image, ax=axes, label=label, extend=beyond)


def _map(
    axes: Any, x: Reals, r: Reals, values: Reals, colours: str, limits: Sequence[float], wall: Reals | None = None
) -> Any:
    """Colours over x and r, and the duct's wall: a thin one, or one with corners (corner, 2)."""
    low, high = limits
    image = axes.pcolormesh(x, r, values.T, cmap=colours, vmin=low, vmax=high, shading="nearest", rasterized=True)
    if wall is not None:
        axes.fill(*wall.T, facecolor="0.3", edgecolor="black", lw=0.8)
    elif x[0] < 0 and r[0] <= 1 <= r[-1]:
        axes.plot([x[0], min(0.0, float(x[-1]))], [1, 1], color="black", lw=2.5, solid_capstyle="butt")
    axes.set(xlabel="x / a", ylabel="r / a")
    axes.set_aspect("equal")
    return image


def _finish(figure: Figure, title: str, path: Path, axes: Any = None) -> None:
    if axes is not None:
        axes.grid(alpha=0.3)
    figure.suptitle(title, fontsize=10)
    figure.savefig(path, dpi=_DOTS)
