"""Pictures of the page, as Plotly figures, for a light and for a dark theme.

Colour maps are safe for colour-blind readers: blue to orange where there is a sign, one hue of growing depth where
there is none. Text, lines and grids take the theme's own colours.
"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ..bench import COVERAGE, DEGREES, DISTANCES, QUANTITIES, REACH, VELOCITIES, R, X

_DECIBELS = 60  # of the directivity that are shown
_LEAST = 1e-9  # of a relative difference that is shown
_CIVIDIS = (
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
_FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True)
class Theme:
    """Colours: of text, of lines, of the wall, of the exact solution and the surrogate, of the chosen point; and maps
    with and without sign.
    """

    ink: str
    muted: str
    grid: str
    wall: str
    exact: str
    surrogate: str
    point: str
    signed: tuple[str, ...]
    growing: tuple[str, ...]
    errors: str = "Cividis"


THEMES = {
    "light": Theme(
        ink="#1f2a33",
        muted="#56646f",
        grid="#e3e8eb",
        wall="#10181e",
        exact="#0067a5",
        surrogate="#c8500a",
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
        point="#ffffff",
        signed=("#b5defc", "#63aee6", "#2f729f", "#193f59", "#131b21", "#4b2713", "#9b4d1a", "#e28d48", "#ffd5a8"),
        growing=("#131b21", "#1f3350", "#2d5383", "#4a78b3", "#7f9fd8", "#b9c2f2", "#eeeaff"),
    ),
}


def _axis(theme, title, **more):
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


def _figure(theme, traces, margin, **layout):
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


def _bar(theme, title, **more):
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


def _map(theme, x, r, values, symbol, unit, *, colours=None, limits=None, bar=None, decimals=".3g", **more):
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


def _wall(theme, *, jet=False, axes=("x", "y"), start=-2.0, end=2.0):
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


def _point(theme, at, size=11, width=2, **more):
    return go.Scatter(
        x=[at[0]],
        y=[at[1]],
        mode="markers",
        marker={"symbol": "circle-open", "size": size, "color": theme.point, "line": {"width": width}},
        hoverinfo="skip",
        **more,
    )


def nothing(theme, text):
    """An empty figure that says why."""
    note = {"text": text, "showarrow": False, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    hidden = {"visible": False, "fixedrange": True}
    font = {"font": {"size": 13, "color": theme.muted}}
    return _figure(theme, [], (20, 20, 20, 20), annotations=[note | font], xaxis=hidden, yaxis=hidden)


def field(theme, values, quantity, jet, at):
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


def relevance(theme, found, name):
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


def _title(theme, start, text):
    """Small title above the part of a figure that starts there."""
    place = {"xref": "paper", "yref": "paper", "x": start, "y": 1.02, "xanchor": "left", "yanchor": "bottom"}
    return place | {"text": text, "showarrow": False, "font": {"size": 12, "color": theme.muted}}


def directivity(theme, found):
    """Level of both over the angle, and their difference below."""
    peak = np.abs(found.exact).max() or 1.0

    def level(values):
        return 20 * np.log10(np.maximum(np.abs(values) / peak, 1e-12))

    shown = "%{x:.0f}°: %{y:.4g} dB"
    traces = [
        go.Scatter(
            x=DEGREES,
            y=level(found.exact),
            name="Wiener–Hopf",
            line={"color": theme.exact, "width": 3},
            hovertemplate=f"{shown}<extra>Wiener–Hopf</extra>",
        )
    ]
    if found.surrogate is not None:
        traces.append(
            go.Scatter(
                x=DEGREES,
                y=level(found.surrogate),
                name="surrogate",
                line={"color": theme.surrogate, "width": 1.6, "dash": "5px,4px"},
                hovertemplate=f"{shown}<extra>surrogate</extra>",
            )
        )
        traces.append(
            go.Scatter(
                x=DEGREES,
                y=np.maximum(found.difference, _LEAST),
                xaxis="x",
                yaxis="y2",
                showlegend=False,
                line={"color": theme.surrogate, "width": 1.4},
                hovertemplate="%{x:.0f}°: %{y:.1e}<extra>difference</extra>",
            )
        )
        traces.append(
            go.Scatter(
                x=[0, 180],
                y=[found.bar, found.bar],
                xaxis="x",
                yaxis="y2",
                name=f"error bar, {COVERAGE:.0%}",
                mode="lines",
                line={"color": theme.muted, "width": 1, "dash": "2px,3px"},
                hovertemplate=f"error bar {found.bar:.1e}<extra></extra>",
            )
        )
    alone = found.surrogate is None
    extra = {}
    if not alone:
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


def derivative(theme, found, name, jet):
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
        names = {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"}
        if index < 2 and index < len(maps):
            title, values = maps[index]
            bar = _bar(theme, f"[{unit}]", x=starts[1] + 0.262, xpad=2, thickness=8) if index == 1 else None
            symbol = f"Re {name}"
            traces.append(_map(theme, X, R, values.real, symbol, unit, limits=(-limit, limit), bar=bar, **names))
            title = f"{symbol}, {title}"
        elif index == 2 and found.surrogate is not None:
            size = np.sqrt(np.mean(np.abs(found.exact) ** 2))
            logarithm = np.log10(np.maximum(np.abs(found.surrogate - found.exact) / size, _LEAST))
            title = f"log₁₀ |Δ{name}| / rms {name}"
            bar = _bar(theme, "", x=starts[2] + 0.262, xpad=2, thickness=8, dtick=2)
            more = {"colours": _CIVIDIS, "limits": (-9, -3), "bar": bar, "decimals": ".1f"}
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
