"""Pictures of the page, as Plotly figures. Text, lines and grids take the theme's own colours."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from wavenet.arrays import ComplexArray, FloatArray

from ..bench import (
    COVERAGE,
    DEGREES,
    DISTANCES,
    QUANTITIES,
    REACH,
    VELOCITIES,
    Derivative,
    Directivity,
    R,
    Relevance,
    X,
)
from .themes import CIVIDIS, Theme

_DECIBELS = 60  # of the directivity that are shown
_LEAST = 1e-9  # of a relative difference that is shown
_FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


def _axis(theme: Theme, title: str, **more: Any) -> dict[str, Any]:
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


def _figure(theme: Theme, traces: list[Any], margin: tuple[int, int, int, int], **layout: Any) -> go.Figure:
    figure = go.Figure(traces)
    left, right, top, bottom = margin
    figure.layout = {
        "template": "none",
        "font": {"family": _FONT, "size": 12, "color": theme.ink},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": left, "r": right, "t": top, "b": bottom},
        "dragmode": False,
        "showlegend": False,
        "hoverlabel": {"font": {"family": _FONT, "size": 12}},
        "uirevision": "kept",
        **layout,
    }
    return figure


def _bar(theme: Theme, title: str, **more: Any) -> dict[str, Any]:
    """Colour bar with a title beside it."""
    return {
        "title": {"text": title, "side": "right", "font": {"size": 12, "color": theme.muted}},
        "tickfont": {"size": 11, "color": theme.muted},
        "thickness": 10,
        "outlinewidth": 0,
        "xpad": 4,
        "ypad": 0,
        "exponentformat": "power",
    } | more


def _map(
    theme: Theme,
    x: FloatArray,
    r: FloatArray,
    values: FloatArray,
    symbol: str,
    unit: str,
    *,
    colours: Sequence[str] | None = None,
    limits: tuple[float, float] | None = None,
    bar: dict[str, Any] | None = None,
    decimals: str = ".3g",
    **more: Any,
) -> go.Heatmap:
    if limits is None:
        limit = float(np.percentile(np.abs(values), 99.5)) or 1.0
        limits = -limit, limit
    return go.Heatmap(
        x=x,
        y=r,
        z=np.ascontiguousarray(values.T, dtype=np.float32),
        colorscale=list(colours or theme.signed),
        zmin=limits[0],
        zmax=limits[1],
        colorbar=bar,
        showscale=bar is not None,
        hovertemplate=f"x = %{{x:.3f}} a<br>r = %{{y:.3f}} a<br>{symbol} = %{{z:{decimals}}} {unit}<extra></extra>",
        **more,
    )


def _wall(
    theme: Theme, *, jet: bool = False, axes: tuple[str, str] = ("x", "y"), start: float = -2.0, end: float = 2.0
) -> list[dict[str, Any]]:
    """Duct's wall with its lip, and a jet's vortex sheet, dashed."""
    place = {"xref": axes[0], "yref": axes[1], "layer": "above"}
    line = {"type": "line", "y0": 1, "y1": 1} | place
    shapes = []
    if start < 0:
        shapes.append(line | {"x0": start, "x1": min(end, 0), "line": {"color": theme.wall, "width": 3}})
    if jet and end > 0:
        shapes.append(
            line | {"x0": max(start, 0), "x1": end, "line": {"color": theme.wall, "width": 1, "dash": "4px,4px"}}
        )
    return shapes


def _point(
    theme: Theme, at: tuple[float | None, float | None], size: float = 11, width: float = 2, **more: Any
) -> go.Scatter:
    return go.Scatter(
        x=[at[0]],
        y=[at[1]],
        mode="markers",
        marker={"symbol": "circle-open", "size": size, "color": theme.point, "line": {"width": width}},
        hoverinfo="skip",
        **more,
    )


def nothing(theme: Theme, text: str) -> go.Figure:
    """An empty figure that says why."""
    note = {"text": text, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    hidden = {"visible": False, "fixedrange": True}
    font = {"font": {"size": 13, "color": theme.muted}}
    return _figure(theme, [], (20, 20, 20, 20), annotations=[note | font], xaxis=hidden, yaxis=hidden)


def field(
    theme: Theme, values: ComplexArray, quantity: str, jet: bool, at: tuple[float | None, float | None]
) -> go.Figure:
    """Real part of a quantity on the grid, with the chosen point as its second trace."""
    symbol, unit = QUANTITIES[quantity]
    name = f"Re {symbol}"
    traces = [
        _map(theme, X, R, values.real, name, unit, bar=_bar(theme, f"{name} [{unit}]")),
        _point(theme, at),
    ]
    return _figure(
        theme,
        traces,
        (44, 8, 8, 40),
        shapes=_wall(theme, jet=jet),
        xaxis=_axis(theme, "x / a", range=[-2, 2], constrain="domain", showgrid=False),
        yaxis=_axis(theme, "r / a", range=[0, 2], scaleanchor="x", constrain="domain", dtick=0.5, showgrid=False),
    )


def relevance(theme: Theme, found: Relevance, name: str) -> go.Figure:
    """Relevance around the point, and the share of it that is closer than a distance."""
    x, r = found.x, found.r
    half = [(points[1] - points[0]) / 2 for points in (x, r)]
    ends = [x[0] - half[0], x[-1] + half[0]], [max(r[0] - half[1], 0), r[-1] + half[1]]
    largest = 100 * float(found.relevance.max())
    heat = _map(
        theme,
        x,
        r,
        100 * found.relevance,
        "relevance",
        "%",
        colours=theme.growing,
        limits=(0, largest / 3),  # few cells have most of it
        bar=_bar(theme, "", x=0.53, xpad=2, thickness=8),
    )
    share = go.Scatter(
        x=DISTANCES,
        y=100 * found.within,
        xaxis="x2",
        yaxis="y2",
        line={"color": theme.exact, "width": 2},
        hovertemplate="closer than %{x:.2f} a: %{y:.0f} %<extra></extra>",
    )
    return _figure(
        theme,
        [heat, _point(theme, found.at, size=15, width=1.2), share],
        (44, 10, 26, 40),
        shapes=_wall(theme, start=ends[0][0], end=ends[0][1]),
        annotations=[
            _title(theme, 0, f"of |{name}|, in each cell [%]"),
            _title(theme, 0.72, "closer than [%]"),
        ],
        xaxis=_axis(theme, "x / a", domain=[0, 0.53], range=ends[0], constrain="domain", showgrid=False, nticks=6),
        yaxis=_axis(theme, "r / a", range=ends[1], scaleanchor="x", constrain="domain", showgrid=False, nticks=6),
        xaxis2=_axis(theme, "distance / a", anchor="y2", domain=[0.74, 1], range=[0, REACH], dtick=0.2),
        yaxis2=_axis(theme, "", anchor="x2", range=[0, 101], dtick=25),
    )


def _title(theme: Theme, start: float, text: str) -> dict[str, Any]:
    """Small title above the part of a figure that starts there."""
    place = {"xref": "paper", "yref": "paper", "x": start, "y": 1.02, "xanchor": "left", "yanchor": "bottom"}
    return place | {"text": text, "showarrow": False, "font": {"size": 12, "color": theme.muted}}


def directivity(theme: Theme, found: Directivity) -> go.Figure:
    """Level of both over the angle, and their difference below."""
    exact, surrogate = found.levels()
    shown = "%{x:.0f}°: %{y:.4g} dB"
    traces = [
        go.Scatter(
            x=DEGREES,
            y=exact,
            name="Wiener–Hopf",
            line={"color": theme.exact, "width": 3},
            hovertemplate=f"{shown}<extra>Wiener–Hopf</extra>",
        )
    ]
    alone = surrogate is None
    extra = {}
    if not alone:
        traces.append(
            go.Scatter(
                x=DEGREES,
                y=surrogate,
                name="surrogate",
                line={"color": theme.surrogate, "width": 1.6, "dash": "5px,4px"},
                hovertemplate=f"{shown}<extra>surrogate</extra>",
            )
        )
        traces += _difference(theme, found)
        extra["yaxis2"] = _axis(
            theme, "rel. diff.", domain=[0, 0.25], type="log", range=[-9, -3], dtick=3, exponentformat="power"
        )
    return _figure(
        theme,
        traces,
        (62, 12, 26, 40),
        showlegend=not alone,
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"size": 11}},
        xaxis=_axis(theme, "θ in the plane (x / β, r) [deg]", range=[0, 180], dtick=30, anchor="y" if alone else "y2"),
        yaxis=_axis(theme, "|D| [dB re peak]", domain=[0 if alone else 0.34, 1], range=[-_DECIBELS, 3], dtick=20),
        **extra,
    )


def _difference(theme: Theme, found: Directivity) -> list[go.Scatter]:
    """Relative difference of the surrogate, and its error bar, on the lower axes; none without a surrogate."""
    if found.difference is None:
        return []
    difference = go.Scatter(
        x=DEGREES,
        y=np.maximum(found.difference, _LEAST),
        xaxis="x",
        yaxis="y2",
        showlegend=False,
        line={"color": theme.surrogate, "width": 1.4},
        hovertemplate="%{x:.0f}°: %{y:.1e}<extra>difference</extra>",
    )
    bar = go.Scatter(
        x=[0, 180],
        y=[found.bar, found.bar],
        xaxis="x",
        yaxis="y2",
        name=f"error bar, {COVERAGE:.0%}",
        mode="lines",
        line={"color": theme.muted, "width": 1, "dash": "2px,3px"},
        hovertemplate=f"error bar {found.bar:.1e}<extra></extra>",
    )
    return [difference, bar]


def derivative(theme: Theme, found: Derivative, name: str, jet: bool) -> go.Figure:
    """Exact velocity, the surrogate's, and the decimal logarithm of their difference, side by side."""
    _, unit = QUANTITIES[VELOCITIES[name]]
    limit = float(np.percentile(np.abs(found.exact.real), 99.5)) or 1.0
    maps = [("Wiener–Hopf", found.exact)]
    if found.surrogate is not None:
        maps.append(("constrained network", found.surrogate))
    traces, axes, shapes, titles = [], {}, [], []
    starts = (0.0, 0.31, 0.69)
    for index, start in enumerate(starts):
        suffix = "" if index == 0 else str(index + 1)
        names: dict[str, Any] = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        if index < 2 and index < len(maps):
            title, values = maps[index]
            bar = _bar(theme, f"[{unit}]", x=starts[1] + 0.262, xpad=2, thickness=8) if index == 1 else None
            symbol = f"Re {name}"
            traces.append(_map(theme, X, R, values.real, symbol, unit, limits=(-limit, limit), bar=bar, **names))
            title = f"{symbol}, {title}"
        elif index == 2 and found.surrogate is not None:
            logarithm = np.log10(np.maximum(found.difference(), _LEAST))
            title = f"log₁₀ |Δ{name}| / rms {name}"
            bar = _bar(theme, "", x=starts[2] + 0.262, xpad=2, thickness=8, dtick=2)
            more: dict[str, Any] = {"colours": CIVIDIS, "limits": (-9, -3), "bar": bar, "decimals": ".1f"}
            traces.append(_map(theme, X, R, logarithm, title, "", **more, **names))
        else:
            continue
        shapes += _wall(theme, jet=jet, axes=(names["xaxis"], names["yaxis"]))
        axes[f"xaxis{suffix}"] = _axis(
            theme, "x / a", range=[-2, 2], domain=[start, start + 0.26], anchor=names["yaxis"], showgrid=False, dtick=1
        )
        label = "r / a" if index == 0 else ""
        axes[f"yaxis{suffix}"] = _axis(theme, label, range=[0, 2], anchor=names["xaxis"], dtick=0.5, showgrid=False)
        titles.append(_title(theme, start, title))
    return _figure(theme, traces, (44, 24, 26, 40), shapes=shapes, annotations=titles, **axes)
