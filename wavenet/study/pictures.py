"""Pictures of solutions, predictions, errors and relevance."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from data.read import Dataset
from wavenet.arrays import FloatArray, Reals

from .errors import level as level_of


def _figure(rows: int, columns: int, width: float = 4.2, height: float = 3.2) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    return figure, np.atleast_2d(figure.subplots(rows, columns, squeeze=False))


def _map(
    axes: Any,
    x: Reals,
    r: Reals,
    values: Reals,
    title: str,
    *,
    limit: float | None = None,
    colours: str = "RdBu_r",
) -> None:
    limit = limit or float(np.max(np.abs(values))) or 1.0
    image = axes.pcolormesh(x, r, values.T, cmap=colours, vmin=-limit, vmax=limit, shading="nearest", rasterized=True)
    axes.plot([min(x[0], 0), 0], [1, 1], color="black", lw=2.5, solid_capstyle="butt")
    axes.set(title=title, xlabel="x / a", ylabel="r / a")
    axes.set_aspect("equal")
    axes.figure.colorbar(image, ax=axes, shrink=0.8)


def solution(solved: Any, path: str | Path, title: str = "Re p [ρ c²]") -> None:
    """Directivity and near field of a solution, written to a file."""
    theta = np.linspace(0, np.pi, 361)
    level = np.abs(solved.pressure_directivity(theta))
    figure, ((left, right),) = _figure(1, 2, width=5.2)
    left.plot(np.degrees(theta), level_of(level, level.max()), color="C0")
    left.set(xlabel="physical angle [deg]", ylabel="|p| [dB re peak]", ylim=(-60, 3), xlim=(0, 180))
    left.set(title="pressure far away")
    left.grid(alpha=0.3)
    x, r = (np.arange(160) + 0.5) / 40 - 2, (np.arange(80) + 0.5) / 40
    r = r[r > solved.source.hub]
    field = solved.field(x, r)
    _map(right, x, r, field.pressure.real, title, limit=float(np.percentile(np.abs(field.pressure.real), 99.5)))
    figure.savefig(Path(path), dpi=130)


def level(angle: FloatArray, values: FloatArray, title: str, path: str | Path, reference: str) -> None:
    """Level of the far-field pressure [dB] against the physical angle, written to a file."""
    figure, ((axes,),) = _figure(1, 1, width=6.0, height=4.0)
    axes.plot(angle, values)
    axes.set(xlabel="physical angle [deg]", ylabel=f"level [{reference}]", title=title, xlim=(angle[0], angle[-1]))
    axes.set_ylim(bottom=max(axes.get_ylim()[0], np.max(values) - 60))
    axes.grid(alpha=0.3)
    figure.savefig(Path(path), dpi=130)


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
    left.grid(alpha=0.3)
    right.legend(fontsize=8)
    figure.savefig(Path(path), dpi=110)


def derivative_case(x: Reals, r: Reals, predicted: Reals, exact: Reals, title: str) -> Figure:
    """Prediction, Wiener–Hopf and difference of Re u and Re v."""
    figure, axes = _figure(2, 3, height=2.6)
    for row, (channel, name) in zip(axes, ((0, "u"), (2, "v")), strict=True):
        limit = float(np.percentile(np.abs(exact[channel]), 99.5))
        _map(row[0], x, r, predicted[channel], f"Re {name}, network", limit=limit)
        _map(row[1], x, r, exact[channel], f"Re {name}, Wiener–Hopf", limit=limit)
        _map(row[2], x, r, predicted[channel] - exact[channel], "difference", colours="PuOr_r")
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


def errors(against: Mapping[str, Reals], curves: Mapping[str, Reals]) -> Figure:
    """Relative errors of the test cases against each of some quantities."""
    figure, axes = _figure(1, len(against))
    for place, (name, values) in zip(axes[0], against.items(), strict=True):
        for index, (label, error) in enumerate(curves.items()):
            place.semilogy(values, error, ".", ms=4, color=f"C{index}", label=label)
        place.set(xlabel=name, ylabel="relative L2 error")
        if values.dtype.kind == "i":
            place.xaxis.set_major_locator(MaxNLocator(integer=True))
        place.grid(alpha=0.3)
    axes[0][0].legend(fontsize=8)
    return figure


def relevance_map(x: Reals, r: Reals, relevance: Reals, at: tuple[float, float], title: str) -> Figure:
    """Relevance of the potential's cells, the explained point marked."""
    figure, axes = _figure(1, 2, width=5.6)
    _map(axes[0][0], x, r, relevance, "relevance", limit=float(np.max(np.abs(relevance))) / 3)
    near = np.abs(x - at[0]) < 0.5, np.abs(r - at[1]) < 0.5
    _map(axes[0][1], x[near[0]], r[near[1]], relevance[np.ix_(*near)], "the point's neighbourhood")
    for place in axes[0]:
        place.plot(*at, "kx", ms=7)
    figure.suptitle(title)
    return figure


def relevance_bars(
    names: Sequence[str], relevance: Sequence[float], title: str, over: str = ", over the pressure scale"
) -> Figure:
    """Relevance of a network's inputs."""
    figure, ((axes,),) = _figure(1, 1, width=6.0)
    axes.barh(names, relevance, color=["C0" if value >= 0 else "C3" for value in relevance])
    axes.axvline(0, color="black", lw=0.8)
    axes.set(xlabel=f"relevance{over}", title=title)
    axes.invert_yaxis()
    return figure
