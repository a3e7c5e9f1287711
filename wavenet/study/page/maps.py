"""Maps of the page: near field, relevance, velocities."""

from typing import Any

import numpy as np

from wavenet.arrays import FloatArray

from ..bench import DISTANCES, QUANTITIES, REACH, VELOCITIES, R, X
from ..controls import Mode
from ..picture_grid import colour_limit
from ..shown import Derivative, NearField, Relevance
from .plotting import Box, Figure, axis, bar, domains, figure, heat, point, title, walls
from .themes import CIVIDIS, Theme

_LEFT, _BOTTOM = 46, 42  # of axes, for ticks and labels
_BAR = 72  # right of axes, for a colour bar with a title
_BELOW = 58  # for a colour bar below them
_NARROW = 480  # a picture of less than this has its colour bar below
_ONE_COLUMN = 640  # of less than this, its maps one below the other
_SIDE_BY_SIDE = 360  # least width for a map of relevance with a curve beside it
_LEAST = 1e-9  # of a relative difference that is shown


def field(
    theme: Theme, width: float, found: NearField, quantity: str, mode: Mode, at: tuple[float | None, float | None]
) -> Figure:
    """Real part of a quantity, with the chosen point as its second trace."""
    symbol, unit = QUANTITIES[quantity]
    name, values = f"Re {symbol}", getattr(found.field, quantity).real
    limit, _ = colour_limit(found.x, values, mode)
    ends = _ends(found.x)[0], 2.0
    narrow = width < _NARROW
    inner = width - _LEFT - (10 if narrow else _BAR)
    box = Box(_LEFT, 8, inner, inner * 2 / (ends[1] - ends[0]))
    height = box.top + box.height + _BOTTOM + (_BELOW if narrow else 0)
    across, up = domains(box, width, height)
    scale = bar(theme, box, width, height, f"{name} [{unit}]", below=narrow)
    colours: dict[str, Any] = {"colours": theme.signed, "limits": (-limit, limit), "scale": scale}
    return figure(
        theme,
        [heat(found.x, found.r, values, name, unit, **colours), point(theme, at)],
        width,
        height,
        shapes=walls(theme, mode, ends),
        xaxis=axis(theme, "x / a", range=list(ends), domain=across, showgrid=False, nticks=7),
        yaxis=axis(theme, "r / a", range=[0, 2], domain=up, dtick=0.5, showgrid=False),
    )


def _ends(points: FloatArray) -> tuple[float, float]:
    """Outer edges of the cells around points; of the smallest cells, where some are left out."""
    half = float(np.min(np.diff(points))) / 2
    return float(points[0]) - half, float(points[-1]) + half


def relevance(theme: Theme, width: float, found: Relevance, name: str) -> Figure:
    """Relevance around the point, and the share of it that is closer than a distance."""
    along, across = _ends(found.x), _ends(found.r)
    across = max(across[0], 0.0), across[1]
    stacked = width < _SIDE_BY_SIDE
    inner = width - _LEFT - 64 if stacked else 0.55 * (width - _LEFT - 110)
    box = Box(_LEFT, 26, inner, inner * (across[1] - across[0]) / (along[1] - along[0]))
    if stacked:
        side = Box(_LEFT, box.top + box.height + _BOTTOM + 30, width - _LEFT - 12, 120)
    else:
        left = _LEFT + inner + 88
        side = Box(left, 26, width - left - 12, box.height)
    height = max(box.top + box.height, side.top + side.height) + _BOTTOM
    places = [domains(one, width, height) for one in (box, side)]
    largest = 100 * float(found.relevance.max())
    colours: dict[str, Any] = {
        "colours": theme.growing,
        "limits": (0, largest / 3),  # few cells have most of it
        "scale": bar(theme, box, width, height, ""),
    }
    share = {
        "type": "scatter",
        "x": DISTANCES,
        "y": 100 * found.within,
        "xaxis": "x2",
        "yaxis": "y2",
        "line": {"color": theme.exact, "width": 2},
        "hovertemplate": "closer than %{x:.2f} a: %{y:.0f} %<extra></extra>",
    }
    return figure(
        theme,
        [
            heat(found.x, found.r, 100 * found.relevance, "relevance", "%", **colours),
            point(theme, found.at, size=15, width=1.2),
            share,
        ],
        width,
        height,
        shapes=walls(theme, None, along),
        annotations=[
            title(theme, box, width, height, f"of |{name}|, in each cell [%]"),
            title(theme, side, width, height, "closer than [%]"),
        ],
        xaxis=axis(theme, "x / a", domain=places[0][0], range=list(along), showgrid=False, nticks=6),
        yaxis=axis(theme, "r / a", domain=places[0][1], range=list(across), showgrid=False, nticks=6),
        xaxis2=axis(theme, "distance / a", anchor="y2", domain=places[1][0], range=[0, REACH], dtick=0.2),
        yaxis2=axis(theme, "", anchor="x2", domain=places[1][1], range=[0, 101], dtick=25),
    )


def derivative(theme: Theme, width: float, found: Derivative, name: str, mode: Mode) -> Figure:
    """Exact velocity, the surrogate's, and the decimal logarithm of their difference."""
    _, unit = QUANTITIES[VELOCITIES[name]]
    limit, _ = colour_limit(X, found.exact.real, mode)
    signed: dict[str, Any] = {"colours": theme.signed, "limits": (-limit, limit)}
    symbol = f"Re {name}"
    maps: list[tuple[str, FloatArray, str, dict[str, Any]]] = [
        (f"{symbol}, Wiener–Hopf", found.exact.real, f"[{unit}]", signed)
    ]
    if found.surrogate is not None:
        errors: dict[str, Any] = {"colours": CIVIDIS, "limits": (-9, -3), "decimals": ".1f"}
        logarithm = np.log10(np.maximum(found.difference(), _LEAST))
        maps.append((f"{symbol}, constrained network", found.surrogate.real, f"[{unit}]", signed))
        maps.append((f"log₁₀ |Δ{name}| / rms {name}", logarithm, "", errors))
    boxes, height = _boxes(width, len(maps))
    traces, shapes, titles = [], [], []
    axes: dict[str, Any] = {}
    for index, ((words, values, bar_title, colours), box) in enumerate(zip(maps, boxes, strict=True)):
        suffix = "" if index == 0 else str(index + 1)
        names: dict[str, Any] = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        across, up = domains(box, width, height)
        shared = index == 0 and len(maps) > 1 and boxes[0].top == boxes[1].top  # with the next one
        scale = None if shared else bar(theme, box, width, height, bar_title)
        unit_shown = unit if index < 2 else ""
        traces.append(heat(X, R, values, words.partition(",")[0], unit_shown, scale=scale, **colours, **names))
        shapes += walls(theme, mode, (-2.0, 2.0), (names["xaxis"], names["yaxis"]))
        more: dict[str, Any] = {"showgrid": False, "anchor": names["yaxis"], "domain": across}
        more |= {"range": [-2, 2], "dtick": 1}
        axes[f"xaxis{suffix}"] = axis(theme, "x / a", **more)
        more = {"showgrid": False, "anchor": names["xaxis"], "domain": up, "range": [0, 2], "dtick": 0.5}
        axes[f"yaxis{suffix}"] = axis(theme, "r / a" if box.left == boxes[0].left else "", **more)
        titles.append(title(theme, box, width, height, words))
    return figure(theme, traces, width, height, shapes=shapes, annotations=titles, **axes)


def _boxes(width: float, count: int) -> tuple[list[Box], float]:
    """Places of maps, side by side or one below the other, and the picture's height."""
    if width < _ONE_COLUMN:
        inner = width - _LEFT - 64
        step = 26 + inner / 2 + _BOTTOM
        return [Box(_LEFT, 26 + index * step, inner, inner / 2) for index in range(count)], count * step
    gaps = (38, 96)  # between the first two, and behind their colour bar
    inner = (width - _LEFT - sum(gaps) - 44) / 3
    lefts = (_LEFT, _LEFT + inner + gaps[0], _LEFT + 2 * inner + sum(gaps))
    return [Box(left, 26, inner, inner / 2) for left in lefts[:count]], 26 + inner / 2 + _BOTTOM
