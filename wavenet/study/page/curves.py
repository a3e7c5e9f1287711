"""Curves of the page: levels of the far field over the physical angle."""

from typing import Any

import numpy as np

from wavenet.arrays import FloatArray

from ..bench import COVERAGE
from ..shown import DEGREES, Directivity
from .plotting import Box, Figure, axis, domains, figure
from .themes import Theme

_SHOWN = 60  # below the peak [dB]
_LEAST = 1e-9  # of a relative difference that is shown
_LEFT, _RIGHT, _BOTTOM = 58, 14, 42
_NARROW = 480
UNITS = {True: "SPL [dB re 20 µPa]", False: "level [dB]"}  # of the axis, for a duct with and without a radius


def directivity(theme: Theme, width: float, found: Directivity, held: Directivity | None = None) -> Figure:
    """Level of both over the angle, and their difference below; held : another case, laid under it."""
    cases = [found] if held is None else [found, held]
    peaks = [case.peak[0] for case in cases if np.isfinite(case.peak[0])] or [0.0]
    top, bottom = max(peaks) + 4, min(max(peaks) - _SHOWN, min(peaks) - 10)
    floor = bottom - 20  # below the picture, where nothing is radiated

    traces = _curves(theme, found, held, floor)
    alone = len(traces) == 1
    # Legends wrap where a picture is narrow.
    above = 10 if alone else 30 if width >= _NARROW else 52
    inner = width - _LEFT - _RIGHT
    upper = Box(_LEFT, above, inner, max(0.3 * inner, 130))
    lower = Box(_LEFT, upper.top + upper.height + 16, inner, 56)
    last = upper if found.difference is None else lower
    height = last.top + last.height + _BOTTOM
    across, up = domains(upper, width, height)
    extra = {}
    if found.difference is not None:
        extra["yaxis2"] = axis(
            theme,
            "rel. diff.",
            domain=domains(lower, width, height)[1],
            type="log",
            range=[-9, -3 if _worst(found) <= 1e-3 else 0],
            dtick=3,
            exponentformat="power",
        )
    return figure(
        theme,
        traces,
        width,
        height,
        showlegend=not alone,
        legend={"orientation": "h", "x": across[0], "y": 1, "yanchor": "top", "font": {"size": 11}},
        xaxis=axis(
            theme,
            "angle to the axis, 0 downstream [deg]",
            range=[0, 180],
            dtick=30,
            domain=across,
            anchor="y" if found.difference is None else "y2",
        ),
        yaxis=axis(theme, UNITS["20 uPa" in found.exact.reference], domain=up, range=[bottom, top], dtick=20),
        **extra,
    )


def _curves(theme: Theme, found: Directivity, held: Directivity | None, floor: float) -> list[dict[str, Any]]:
    """Levels of both, and of a held case under them, not below a floor; with the difference of both below."""

    def curve(level: FloatArray, name: str, line: dict[str, Any]) -> dict[str, Any]:
        hover = f"%{{x:.0f}}°: %{{y:.4g}} dB<extra>{name}</extra>"
        values = np.maximum(level, floor)
        return {"type": "scatter", "x": DEGREES, "y": values, "name": name, "line": line, "hovertemplate": hover}

    traces = []
    if held is not None:
        traces.append(curve(held.best.level, "held case", {"color": theme.held, "width": 2}))
    thin = {"color": theme.muted, "width": 1.6, "dash": "5px,4px"}
    exact = ("thin wall, exact", thin) if found.lip else ("Wiener–Hopf", {"color": theme.exact, "width": 3})
    traces.append(curve(found.exact.level, *exact))
    if found.surrogate is not None and found.lip:
        traces.append(curve(found.surrogate.level, "with its lip, network", {"color": theme.surrogate, "width": 3}))
    if found.surrogate is not None and not found.lip:
        dashed = {"color": theme.surrogate, "width": 1.6, "dash": "5px,4px"}
        traces.append(curve(found.surrogate.level, "surrogate", dashed))
        traces += _difference(theme, found)
    return traces


def _worst(found: Directivity) -> float:
    return 0.0 if found.difference is None else float(np.max(found.difference))


def _difference(theme: Theme, found: Directivity) -> list[dict[str, Any]]:
    """Relative difference of the surrogate, and its error bar, on the lower axes; none without a surrogate."""
    if found.difference is None:
        return []
    lower = {"type": "scatter", "xaxis": "x", "yaxis": "y2"}
    difference = lower | {
        "x": DEGREES,
        "y": np.maximum(found.difference, _LEAST),
        "showlegend": False,
        "line": {"color": theme.surrogate, "width": 1.4},
        "hovertemplate": "%{x:.0f}°: %{y:.1e}<extra>difference</extra>",
    }
    if found.bar is None:
        return [difference]
    limit = lower | {
        "x": [0, 180],
        "y": [found.bar, found.bar],
        "name": f"error bar, {COVERAGE:.0%}",
        "mode": "lines",
        "line": {"color": theme.muted, "width": 1, "dash": "2px,3px"},
        "hovertemplate": f"error bar {found.bar:.1e}<extra></extra>",
    }
    return [difference, limit]
