"""Numbers of the page as text: tiles, tables and notes."""

from typing import Any

import numpy as np
from dash import html

from ..bench import DISTANCES, Reflection, Relevance
from ..controls import Mode


def sentence(error: Exception) -> str:
    """An error's message as a sentence."""
    text = " ".join(str(error).split())
    return text[:1].upper() + text[1:] + "."


def power_of_ten(value: float | None) -> html.Span | str:
    """1.2 × 10⁻⁷; a dash where there is no value."""
    if value is None:
        return "–"
    digits, exponent = f"{value:.1e}".split("e")
    return html.Span([f"{digits} × 10", html.Sup(f"{int(exponent)}".replace("-", "−"))], className="number")


def degrees(value: complex) -> str:
    """Phase of a complex number."""
    return f"{np.degrees(np.angle(value)):.1f}°".replace("-", "−")


def notice(mode: Mode) -> tuple[str, str]:
    """A remark on a mode that the solver accepts, and the kind of message; both empty for a mode that is cut on."""
    source = mode.source
    if source.cut_on:
        return "", ""
    return (
        f"Mode ({source.m}, {source.n}) is cut off: it propagates above ka = {mode.cut_on_helmholtz:.4g}. "
        "What is shown is its evanescent field at the open end; it carries no power of its own.",
        "notice",
    )


def reflection(mode: Mode, found: Reflection) -> tuple[list[Any], list[Any], html.Table]:
    """Tiles of the reflection into the mode itself, of the end correction, and a table of all orders."""
    own = found.into[mode.source.n].potential
    tile = [f"{abs(own):.5f}", html.Small(f"of ψ, phase {degrees(own)}")]
    end = "–" if found.end_correction is None else f"{found.end_correction:.5f} a"
    words = "plane wave only" if found.end_correction is None else "of the plane wave"
    largest = max(abs(row.potential) for row in found.into)
    rows = []
    for row in found.into:
        size = abs(row.potential)
        bar = html.Div(className="bar", style={"width": f"{100 * size / largest:.1f}%"})
        cells = [
            html.Th(f"({mode.source.m}, {row.order})", scope="row"),
            html.Td("cut on" if row.cut_on else "cut off", className="" if row.cut_on else "off"),
            html.Td([f"{size:.5f}", bar]),
            html.Td(degrees(row.potential)),
            html.Td(f"{abs(row.pressure):.5f}"),
        ]
        rows.append(html.Tr(cells, className="own" if row.order == mode.source.n else ""))
    names = ("into", "", "|R| of ψ", "phase", "|R| of p")
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in names]))
    return tile, [end, html.Small(words)], html.Table([head, html.Tbody(rows)])


def power(found: Any) -> tuple[list[Any], list[Any], list[Any] | str]:
    """Tiles of the radiated power and of the balance, and where the incident power goes."""
    residual = [power_of_ten(abs(found.residual)), html.Small("residual, relative")]
    if not found.incident:
        return [f"{found.radiated:.3g}", html.Small("no power is incident")], residual, ""
    parts = {"radiated": found.radiated, "reflected": found.reflected, "vortical": found.vortical}
    shares = {name: value / found.incident for name, value in parts.items() if value or name != "vortical"}
    tile = [f"{shares['radiated']:.2%}", html.Small("of the incident power")]
    bars = [html.Div(className=name, style={"width": f"{100 * max(share, 0):.2f}%"}) for name, share in shares.items()]
    words = [html.Span(f"{name} {share:.2%}", className=name) for name, share in shares.items()]
    title = html.H2("Where the incident power goes")
    return tile, residual, [title, html.Div(bars, className="stack"), html.P(words)]


def relevance(found: Relevance, name: str) -> str:
    """The numbers of the relevance map, in words."""
    near = float(np.interp(0.1, DISTANCES, found.within))
    x, r = found.at
    methods = ", ".join(f"{method} {share:.0%}" for method, share in found.shares.items() if share >= 0.005)
    return (
        f"|{name}| = {found.value:.4g} c at x = {x:.3f} a, r = {r:.3f} a; {near:.0%} within 0.1 a, {found.across:.0%} "
        f"across the wall; {methods}"
    )
