"""Parts that the page's pictures have in common, as dictionaries for Plotly. Sizes are in pixels.

A picture is made for the width that it has on the screen, so that lengths in x and r have one scale, and nothing is
stretched or overlaps. Text, lines and grids take the theme's own colours.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wavenet.arrays import FloatArray

from ..controls import Mode
from .themes import Theme

FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
LEAST_WIDTH = 240  # of a picture
_LARGEST = 1e30  # that is drawn: single precision ends at 3e38
Figure = dict[str, Any]


def to_json(content: Any) -> str:
    """JSON with arrays in the form that Plotly takes: numbers in base64, without rounding."""
    return json.dumps(content, default=_array, allow_nan=False, separators=(",", ":"))


def _array(values: Any) -> dict[str, str]:
    if not isinstance(values, np.ndarray):
        raise TypeError(f"expected an array, got {type(values).__name__}")
    kind = {"float32": "f4", "float64": "f8"}[values.dtype.name]
    found = {"dtype": kind, "bdata": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()}
    return found | ({"shape": ", ".join(map(str, values.shape))} if values.ndim > 1 else {})


@dataclass(frozen=True)
class Box:
    """Where a set of axes stands in its picture: left, top, width, height."""

    left: float
    top: float
    width: float
    height: float


def axis(theme: Theme, title: str, **more: Any) -> dict[str, Any]:
    """An axis that cannot be dragged."""
    return {
        "title": {"text": title, "standoff": 6, "font": {"size": 12, "color": theme.muted}},
        "tickfont": {"size": 11, "color": theme.muted},
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": theme.grid,
        "fixedrange": True,
    } | more


def figure(theme: Theme, traces: list[Any], width: float, height: float, **layout: Any) -> Figure:
    """A picture of this size without margins: `axes_in` places the axes."""
    return {
        "data": traces,
        "layout": {
            "font": {"family": FONT, "size": 12, "color": theme.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0},
            "width": round(width),
            "height": round(height),
            "dragmode": False,
            "showlegend": False,
            "hoverlabel": {"font": {"family": FONT, "size": 12}},
            **layout,
        },
    }


def domains(box: Box, width: float, height: float) -> tuple[list[float], list[float]]:
    """Domains of the x and the y axis in a picture of this size."""
    low, high = 1 - (box.top + box.height) / height, 1 - box.top / height
    across = box.left / width, (box.left + box.width) / width
    return [min(max(one, 0.0), 1.0) for one in across], [min(max(one, 0.0), 1.0) for one in (low, high)]


def title(theme: Theme, box: Box, width: float, height: float, text: str) -> dict[str, Any]:
    """Small title above the axes that stand there."""
    across, up = domains(box, width, height)
    place = {"xref": "paper", "yref": "paper", "x": across[0], "y": up[1], "xanchor": "left", "yanchor": "bottom"}
    return place | {"text": text, "showarrow": False, "yshift": 4, "font": {"size": 12, "color": theme.muted}}


def bar(theme: Theme, box: Box, width: float, height: float, text: str, *, below: bool = False) -> dict[str, Any]:
    """Colour bar right of the axes that stand in a box, or below them, with a title."""
    across, up = domains(box, width, height)
    common = {
        "title": {"text": text, "side": "top" if below else "right", "font": {"size": 12, "color": theme.muted}},
        "tickfont": {"size": 11, "color": theme.muted},
        "thickness": 10,
        "outlinewidth": 0,
        "exponentformat": "power",
        "xpad": 0,
        "ypad": 0,
        "lenmode": "fraction",
    }
    if below:
        place = {"orientation": "h", "x": across[0], "xanchor": "left", "len": across[1] - across[0]}
        return common | place | {"y": up[0] - 44 / height, "yanchor": "top"}
    place = {"x": across[1] + 8 / width, "xanchor": "left", "len": up[1] - up[0]}
    return common | place | {"y": up[0], "yanchor": "bottom"}


def heat(
    x: FloatArray,
    r: FloatArray,
    values: FloatArray,
    symbol: str,
    unit: str,
    *,
    colours: Sequence[str],
    limits: tuple[float, float],
    scale: dict[str, Any] | None,
    decimals: str = ".3g",
    **more: Any,
) -> dict[str, Any]:
    """A map of values (x, r); scale : its colour bar, if it has one."""
    shown = np.clip(values.T, -_LARGEST, _LARGEST)
    return {
        "type": "heatmap",
        "x": x,
        "y": r,
        "z": np.ascontiguousarray(shown, dtype=np.float32),
        "colorscale": [[index / (len(colours) - 1), colour] for index, colour in enumerate(colours)],
        "zmin": limits[0],
        "zmax": limits[1],
        "showscale": scale is not None,
        "hovertemplate": f"x = %{{x:.3f}} a<br>r = %{{y:.3f}} a<br>{symbol} = %{{z:{decimals}}} {unit}<extra></extra>",
        **({"colorbar": scale} if scale else {}),
        **more,
    }


def walls(theme: Theme, mode: Mode | None, ends: tuple[float, float], axes: tuple[str, str] = ("x", "y")) -> list[Any]:
    """Duct's wall with its lip, liners, hub, and a jet's vortex sheet, dashed, between two positions on the axis."""
    place = {"xref": axes[0], "yref": axes[1], "layer": "above"}
    line = {"type": "line", "y0": 1, "y1": 1} | place
    start, end = ends
    shapes: list[dict[str, Any]] = []
    if start < 0:
        shapes.append(line | {"x0": start, "x1": min(end, 0), "line": {"color": theme.wall, "width": 3}})
    if mode is None:
        return shapes
    if mode.in_jet and end > 0:
        dashed = {"color": theme.wall, "width": 1, "dash": "4px,4px"}
        shapes.append(line | {"x0": max(start, 0), "x1": end, "line": dashed})
    back = 0.0
    for liner in reversed(mode.liners):
        back -= liner.distance
        front = max(back - liner.length, start)
        shapes.append(line | {"x0": front, "x1": back, "line": {"color": theme.liner, "width": 7}})
        back = front
    if mode.source.hub:
        hub = {"type": "rect", "x0": start, "x1": end, "y0": 0, "y1": mode.source.hub, "line": {"width": 0}}
        shapes.append(hub | place | {"fillcolor": theme.hub})
    return shapes


def point(theme: Theme, at: tuple[float | None, float | None], size: float = 11, width: float = 2) -> dict[str, Any]:
    """The chosen point."""
    return {
        "type": "scatter",
        "x": [at[0]],
        "y": [at[1]],
        "mode": "markers",
        "marker": {"symbol": "circle-open", "size": size, "color": theme.point, "line": {"width": width}},
        "hoverinfo": "skip",
    }


def nothing(theme: Theme, width: float, text: str) -> Figure:
    """An empty picture that says why."""
    note = {"text": text, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    hidden = {"visible": False, "fixedrange": True}
    font = {"font": {"size": 13, "color": theme.muted}}
    return figure(theme, [], width, 120, annotations=[note | font], xaxis=hidden, yaxis=hidden)
