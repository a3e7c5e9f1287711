"""Pictures of solutions, predictions, errors and relevance."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from data.read import Dataset
from wavenet.arrays import Reals

from .controls import Mode
from .errors import level as level_of
from .picture_grid import ENOUGH, colour_limit, picture_grid
from .solution import ModeAtAngles, without_growing_wave
from .words import number, power_of_ten

_DIGITS = 1e-2, 1e3  # between these, a scale is written without a power of ten
_ROUNDING = 1e-6  # by which a colour scale may be exceeded without a mark
_LOUDEST = 99.5  # percentile of the moduli that colours reach: the lip's singularity does not take the scale
_SATURATED = 3.0  # a map of relevance has its last colour from the largest over this, or one cell would be all of it


def _figure(rows: int, columns: int, width: float = 4.2, height: float = 3.2, maps: bool = False) -> tuple[Figure, Any]:
    """Figure and its axes (row, column); maps : whether all of them are maps, with one scale in x and r."""
    # A map's colour bar is 0.1 inches from the label of the next map.
    layout = ConstrainedLayoutEngine(compress=True, w_pad=0.1, h_pad=0.08) if maps else ConstrainedLayoutEngine()
    figure = Figure(figsize=(width * columns, height * rows), layout=layout)
    return figure, np.atleast_2d(figure.subplots(rows, columns, squeeze=False))


def _map(
    axes: Any,
    x: Reals,
    r: Reals,
    values: Reals,
    title: str,
    label: tuple[str, str],
    *,
    limit: float | None = None,
    colours: str = "RdBu_r",
) -> None:
    """Values (x, r) with a colour bar; label : what they are, and their unit. Columns that x lacks stay empty.

    limit : where the colours end, by default at the largest modulus; the bar has arrows if the values go beyond.
    """
    largest = float(np.max(np.abs(values)))
    limit = limit or largest or 1.0
    power = 0 if _DIGITS[0] <= limit < _DIGITS[1] else math.floor(math.log10(limit))
    step = float(np.min(np.diff(x)))
    columns = np.rint((x - x[0]) / step).astype(int)
    whole = np.full((columns[-1] + 1, len(r)), np.nan)
    whole[columns] = values / 10.0**power
    along = x[0] + step * (np.arange(len(whole) + 1) - 0.5)
    across = np.append(r, 2 * r[-1] - r[-2]) - (r[1] - r[0]) / 2
    limits = {"vmin": -limit / 10.0**power, "vmax": limit / 10.0**power}
    image = axes.pcolormesh(along, across, whole.T, cmap=colours, rasterized=True, **limits)
    axes.plot([min(along[0], 0), 0], [1, 1], color="black", lw=2.5, solid_capstyle="butt")
    # The wall may lie outside.
    axes.set(title=title, xlabel="x / a", ylabel="r / a", xlim=along[[0, -1]], ylim=(max(across[0], 0), across[-1]))
    axes.set_aspect("equal")
    beyond = "both" if largest > limit * (1 + _ROUNDING) else "neither"
    quantity, unit = label
    prefix = f"{power_of_ten(power)} " if power else ""
    axes.figure.colorbar(image, ax=axes, shrink=0.8, extend=beyond, label=f"{quantity} [{prefix}{unit}]")


def solution(found: ModeAtAngles, path: str | Path) -> None:
    """Far and near field of one duct mode, written to a file; the near field is without a jet's growing wave.

    Raises
    ------
    ValueError
        The waves are too short for a picture.
    """
    solved = near = found.solved
    mode = Mode(solved.source, solved.medium if found.in_jet else None, found.liners)
    x, r, points, _ = picture_grid(mode)
    if found.in_jet:
        near = without_growing_wave(solved.source, solved.medium)
    field = near.field(x, r)
    theta = np.linspace(0, np.pi, 721)
    modulus = np.abs(solved.pressure_directivity(theta))
    figure, ((left, right),) = _figure(1, 2, width=5.2)
    left.plot(np.degrees(theta), level_of(modulus, modulus.max()), color="C0")
    left.set(xlabel="physical angle [deg]", ylabel="|p| [dB re peak]", ylim=(-60, 3), xlim=(0, 180))
    left.set(title="pressure far away")
    left.set_xticks(np.arange(0, 181, 30))
    left.grid(alpha=0.3)
    limit, largest = colour_limit(x, field.pressure.real, mode)
    notes = ["without the growing wave"] if mode.in_jet else []
    notes += [] if largest is None else [f"up to {number(largest)} ρ c²"]
    notes += [] if points >= ENOUGH else [f"{points:.1f} points per wavelength"]
    _map(right, x, r, field.pressure.real, ", ".join(["near field", *notes]), ("Re p", "ρ c²"), limit=limit)
    _walls(right, mode)
    figure.savefig(Path(path), dpi=130)


def _walls(axes: Any, mode: Mode) -> None:
    """The hub, and the liners in the wall."""
    hub, back = mode.source.hub, 0.0
    start, end = axes.get_xlim()
    axes.set_ylim(bottom=0)
    if hub:
        axes.fill_between([start, end], 0, hub, color="0.75", lw=0, label="hub")
    for index, liner in enumerate(reversed(mode.liners)):
        back -= liner.distance
        front = max(back - liner.length, start)
        axes.plot([front, back], [1, 1], color="C2", lw=5, solid_capstyle="butt", label="" if index else "liner")
        back -= liner.length
    if hub or mode.liners:
        axes.legend(loc="upper left", fontsize=8)


def dataset(cases: Dataset, path: str | Path) -> None:
    """Helmholtz and Mach number of a dataset's cases, by set, and how many have which azimuthal order; to a file."""
    figure, ((left, right),) = _figure(1, 2, width=5.6)
    orders = np.unique(cases["m"])
    bottom = np.zeros(len(orders))
    for index, name in enumerate(cases.about.splits):
        chosen = cases.cases(name)
        if not len(chosen):
            continue
        left.plot(cases["helmholtz"][chosen], cases["mach"][chosen], ".", ms=3, color=f"C{index}", label=name)
        count = np.array([np.sum(cases["m"][chosen] == m) for m in orders])
        right.bar(orders, count, bottom=bottom, color=f"C{index}", label=name)
        bottom = bottom + count
    left.set(xlabel="Helmholtz number ka", ylabel="Mach number M", title="parameters")
    right.set(xlabel="azimuthal order m", ylabel="cases", title="azimuthal orders")
    right.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.grid(alpha=0.3)
    if np.ptp(cases["mach"]) == 0:
        left.set_ylim(cases["mach"][0] - 1, cases["mach"][0] + 1)  # not rounding errors of one number
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), fontsize=9)
    figure.savefig(Path(path), dpi=110)


def derivative_case(x: Reals, r: Reals, predicted: Reals, exact: Reals, title: str) -> Figure:
    """Prediction, Wiener–Hopf and difference of Re u and Re v."""
    figure, axes = _figure(2, 3, width=4.6, height=2.45, maps=True)
    for row, (channel, name) in zip(axes, ((0, "u"), (2, "v")), strict=True):
        label = f"Re {name}", "c"
        limit = float(np.percentile(np.abs(exact[channel]), _LOUDEST))
        _map(row[0], x, r, predicted[channel], f"Re {name}, network", label, limit=limit)
        _map(row[1], x, r, exact[channel], f"Re {name}, Wiener–Hopf", label, limit=limit)
        off = predicted[channel] - exact[channel]
        limit = float(np.percentile(np.abs(off), _LOUDEST))
        _map(row[2], x, r, off, f"Re {name}, difference", (f"Δ Re {name}", "c"), limit=limit, colours="PuOr_r")
    figure.suptitle(title)
    return figure


def forward_case(
    angle: Reals, predicted: Reals, exact: Reals, title: str, *, symbol: str = "p", unit: str = "ρ c²"
) -> Figure:
    """Level and real part at the microphones, of the pressure or another quantity."""
    figure, ((left, right),) = _figure(1, 2, width=5.2)
    modulus = [np.hypot(*np.moveaxis(values, -1, 0)) for values in (exact, predicted)]
    for values, style, name in zip(modulus, ("-", "--"), ("Wiener–Hopf", "network"), strict=True):
        left.plot(angle, level_of(values, modulus[0].max()), style, label=name)
    right.plot(angle, exact[:, 0], "-", label="Wiener–Hopf")
    right.plot(angle, predicted[:, 0], "--", label="network")
    right.plot(angle, predicted[:, 0] - exact[:, 0], ":", color="C3", label="difference")
    left.set(xlabel="angle [deg]", ylabel=f"|{symbol}| [dB re peak]", title="level")
    right.set(xlabel="angle [deg]", ylabel=f"Re {symbol} [{unit}]", title="real part")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(title)
    return figure


def errors(against: Mapping[str, Reals], curves: Mapping[str, Reals], quantity: str) -> Figure:
    """Relative errors of a quantity in the test cases, by method, against each of some parameters."""
    figure, axes = _figure(1, len(against))
    for place, (name, values) in zip(axes[0], against.items(), strict=True):
        for index, (label, error) in enumerate(curves.items()):
            place.semilogy(values, error, ".", ms=4, color=f"C{index}", label=label)
        place.set(xlabel=name, ylabel=f"relative L2 error of {quantity}")
        if values.dtype.kind == "i":
            place.xaxis.set_major_locator(MaxNLocator(integer=True))
        place.grid(alpha=0.3)
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(curves), fontsize=9, markerscale=2)
    return figure


def relevance_map(
    x: Reals, r: Reals, relevance: Reals, at: tuple[float, float], title: str, label: tuple[str, str]
) -> Figure:
    """Relevance of the potential's cells, the explained point marked; label : what it is, and its unit."""
    figure, axes = _figure(1, 2, width=5.6, height=2.9, maps=True)
    limit = float(np.max(np.abs(relevance))) / _SATURATED
    _map(axes[0][0], x, r, relevance, "all cells", label, limit=limit)
    near = np.abs(x - at[0]) < 0.5, np.abs(r - at[1]) < 0.5
    _map(axes[0][1], x[near[0]], r[near[1]], relevance[np.ix_(*near)], "the point's neighbourhood", label)
    for place in axes[0]:
        place.plot(*at, "kx", ms=7)
    figure.suptitle(title)
    return figure


def relevance_bars(names: Sequence[str], relevance: Sequence[float], title: str, label: str) -> Figure:
    """Relevance of a network's inputs; label : of the axis, with the unit."""
    figure, ((axes,),) = _figure(1, 1, width=6.4, height=max(3.2, 1.0 + 0.28 * len(names)))
    axes.barh(names, relevance, color=["C0" if value >= 0 else "C3" for value in relevance])
    axes.axvline(0, color="black", lw=0.8)
    axes.set(xlabel=label)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.invert_yaxis()
    figure.suptitle(title)
    return figure
