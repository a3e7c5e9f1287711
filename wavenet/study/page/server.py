"""The page's server: which control changes what.

Each part of the page is a callback of its own, so that the quick ones arrive first: reflection, field and directivity
depend on the controls themselves, what can be slow or is looked at later on `shown`, which tells that the field is
there.
"""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, html, no_update
from werkzeug.serving import WSGIRequestHandler, make_server

from ..bench import DISTANCES, Mode, R, X, cell_at
from . import figures, layout

HOST = "127.0.0.1"
FIRST = Mode.of(**layout.DEFAULTS, flow=layout.CHOSEN["flow"])  # what the page starts with
_REFUSED = (ValueError, TypeError, ArithmeticError)
_FRAME = """<!doctype html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title><link rel="icon" href="/assets/icon.svg">{%css%}</head>
<body>{%app_entry%}<footer>{%config%}{%scripts%}{%renderer%}</footer></body>
</html>"""
_PARTS = dict.fromkeys(layout.DEFAULTS, "value") | {"flow": "data", "instability": "data"}
_MODE, _MODE_STATE = ({name: kind(name, part) for name, part in _PARTS.items()} for kind in (Input, State))
_POINT, _POINT_STATE = ({name: kind(name, "value") for name in layout.POINT} for kind in (Input, State))
_THEME = Input("theme", "data")


class _Quiet(WSGIRequestHandler):
    """A line for each request is of no use on the console."""

    protocol_version = "HTTP/1.1"  # connections are kept

    def log_request(self, code="-", size="-"):
        pass


class Page:
    """The page of a `Bench`, served on the loopback interface while in a with statement. port : 0 for any free one."""

    def __init__(self, bench, port=0):
        self.app = app(bench)
        with socket.create_server((HOST, port)) as door:  # werkzeug's own way ends the program if the port is taken
            self._server = make_server(
                HOST, port, self.app.server, threaded=True, request_handler=_Quiet, fd=door.fileno()
            )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self):
        """Where the page is."""
        return f"http://{HOST}:{self._server.port}/"

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self):
        """Serve until interrupted."""
        self._thread.join()


def app(bench):
    """The Dash application."""
    made = Dash(
        "wavenet",
        title="wavenet explore: sound from an open duct",
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        serve_locally=True,
        index_string=_FRAME,
        add_log_handler=False,
    )
    made.layout = layout.page()
    _in_the_browser(made)
    _results(made, bench)
    return made


def _in_the_browser(made):
    """What needs no numbers: sliders that follow numbers, pressed buttons, the theme, the chosen point."""

    def browser(function, *dependencies, **options):
        made.clientside_callback(ClientsideFunction("page", function), *dependencies, **options)

    for name in layout.SLIDERS:
        browser("follow", Output(f"{name}-slider", "value"), Input(name, "value"), prevent_initial_call=True)
    for name, choices in layout.GROUPS.items():
        buttons = [f"{name}-{value}" for value in choices]
        browser(
            "choose",
            Output(name, "data"),
            *[Output(button, "aria-pressed") for button in buttons],
            *[Input(button, "n_clicks") for button in buttons],
            prevent_initial_call=True,
        )
    browser(
        "toggle",
        Output("instability", "data"),
        Output("instability-button", "aria-pressed"),
        Input("instability-button", "n_clicks"),
        State("instability", "data"),
        prevent_initial_call=True,
    )
    browser(
        "flow",
        Output("jet", "hidden"),
        Output("mach", "disabled"),
        Output("mach-slider", "disabled"),
        Input("flow", "data"),
    )
    browser(
        "theme",
        Output("theme", "data"),
        Output("theme-choice", "data"),
        Output("theme-button", "children"),
        Input("theme-button", "n_clicks"),
        Input("scheme", "data"),
        State("theme-choice", "data"),
    )
    browser(
        "point",
        Output("x", "value"),
        Output("r", "value"),
        Input("field", "clickData"),
        Input("relevance", "clickData"),
        prevent_initial_call=True,
    )


def _results(made, bench):
    """What is computed."""

    @made.callback(
        Output("message", "children"),
        Output("message", "className"),
        Output("reflection-tile", "children"),
        Output("end-correction", "children"),
        Output("reflection", "children"),
        inputs={"mode": _MODE},
    )
    def reflection(mode):
        try:
            chosen = Mode.of(**mode)
            found = bench.reflection(chosen)
        except _REFUSED as error:
            return _line(error), "error", "–", "–", html.P("no solution", className="note")
        return *_notice(chosen), *_reflection(chosen, found)

    @made.callback(
        Output("field", "figure"),
        Output("field-note", "children"),
        Output("error-estimate", "children"),
        Output("shown", "data"),
        inputs={"mode": _MODE, "quantity": Input("quantity", "data"), "theme": _THEME},
        state={"at": _POINT_STATE},
    )
    def field(mode, quantity, theme, at):
        chosen, theme = _solved(bench, mode), figures.THEMES[theme]
        if chosen is None:
            return figures.nothing(theme, "no field"), "", "–", time.time()
        try:
            found, solution = bench.field(chosen), bench.solution(chosen)
        except _REFUSED as error:
            return figures.nothing(theme, "no field"), _line(error), "–", time.time()
        figure = figures.field(theme, getattr(found, quantity), quantity, chosen.jet is not None, _marked(at))
        estimate = [
            _power_of_ten(solution.error_estimate),
            html.Small(["R and D; field ", _power_of_ten(found.error_estimate)]),
        ]
        note = "click on a point for its relevance" if chosen.jet is None else ""
        return figure, note, estimate, time.time()

    @made.callback(
        Output("directivity", "figure"),
        Output("directivity-note", "children"),
        inputs={"mode": _MODE, "theme": _THEME},
    )
    def directivity(mode, theme):
        chosen, theme = _solved(bench, mode), figures.THEMES[theme]
        if chosen is None:
            return figures.nothing(theme, "no directivity"), ""
        try:
            found = bench.directivity(chosen)
        except _REFUSED as error:
            return figures.nothing(theme, "no directivity"), _line(error)
        if found.surrogate is None:
            note = found.reason
        else:
            note = ["surrogate off by ", _power_of_ten(found.error), ", relative L2; error bar "]
            note += [_power_of_ten(found.bar)]
        return figures.directivity(theme, found), note

    @made.callback(
        Output("radiated", "children"),
        Output("residual", "children"),
        Output("shares", "children"),
        inputs={"shown": Input("shown", "data")},
        state={"mode": _MODE_STATE},
    )
    def power(shown, mode):
        chosen = _solved(bench, mode)
        if chosen is None:
            return "–", "–", ""
        try:
            return _power(bench.power(chosen))
        except _REFUSED as error:
            return "–", ["–", html.Small(_line(error))], ""

    @made.callback(
        Output("derivative", "figure"),
        Output("derivative-note", "children"),
        inputs={"shown": Input("shown", "data"), "name": Input("velocity", "data")},
        state={"mode": _MODE_STATE, "theme": State("theme", "data")},
    )
    def derivative(shown, name, mode, theme):
        chosen, theme = _solved(bench, mode), figures.THEMES[theme]
        if chosen is None:
            return figures.nothing(theme, "no velocity"), ""
        try:
            found = bench.derivative(chosen, name)
        except _REFUSED as error:
            return figures.nothing(theme, "no velocity"), _line(error)
        figure = figures.derivative(theme, found, name, chosen.jet is not None)
        if found.surrogate is None:
            return figure, found.reason
        note = [f"{name} from ψ on the grid, off by ", _power_of_ten(found.error), ", relative L2"]
        note += [html.Strong(f"; {line}") for line in found.warnings]
        return figure, note

    @made.callback(
        Output("relevance", "figure"),
        Output("relevance-note", "children"),
        Output("field", "figure", allow_duplicate=True),
        inputs={"at": _POINT, "shown": Input("shown", "data"), "name": Input("velocity", "data")},
        state={"mode": _MODE_STATE, "theme": State("theme", "data")},
        prevent_initial_call="initial_duplicate",
    )
    def relevance(at, shown, name, mode, theme):
        chosen, theme = _solved(bench, mode), figures.THEMES[theme]
        if chosen is None:
            return figures.nothing(theme, "no relevance"), "", no_update
        try:
            found = bench.relevance(chosen, name, at["x"], at["r"])
        except _REFUSED as error:
            return figures.nothing(theme, "no relevance"), _line(error), no_update
        moved: Any = Patch()
        moved["data"][1]["x"], moved["data"][1]["y"] = [[value] for value in found.at]
        if not ctx.triggered_prop_ids.keys() & {"x.value", "r.value"}:
            moved = no_update  # the field has been drawn with it
        return figures.relevance(theme, found, name), _relevance(found, name), moved


def _solved(bench, mode):
    """Mode of the controls; None if it has no solution, which the message says."""
    try:
        chosen = Mode.of(**mode)
        bench.solution(chosen)
    except _REFUSED:
        return None
    return chosen


def _marked(at):
    """Centre of the chosen point's cell; none where there is none."""
    try:
        i, j = cell_at(at["x"], at["r"])
    except ValueError:
        return None, None
    return float(X[i]), float(R[j])


def _line(error):
    text = " ".join(str(error).split())
    return text[:1].upper() + text[1:] + "."


def _power_of_ten(value):
    """1.2 × 10⁻⁷."""
    digits, exponent = f"{value:.1e}".split("e")
    return html.Span([f"{digits} × 10", html.Sup(f"{int(exponent)}".replace("-", "−"))], className="number")


def _degrees(value):
    return f"{np.degrees(np.angle(value)):.1f}°".replace("-", "−")


def _notice(mode):
    """What is worth knowing about a mode that the solver takes, and the message's kind."""
    source = mode.source
    if source.cut_on:
        return "", ""
    return (
        f"Mode ({source.m}, {source.n}) is cut off: it propagates above ka = {mode.cut_on_helmholtz:.4g}. "
        "What is shown is its evanescent field at the open end; it carries no power of its own.",
        "notice",
    )


def _reflection(mode, found):
    """Tiles of the reflection into the mode itself, of the end correction, and a table of all orders."""
    own = found.into[mode.source.n].potential
    tile = [f"{abs(own):.5f}", html.Small(f"of ψ, phase {_degrees(own)}")]
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
            html.Td(_degrees(row.potential)),
            html.Td(f"{abs(row.pressure):.5f}"),
        ]
        rows.append(html.Tr(cells, className="own" if row.order == mode.source.n else ""))
    names = ("into", "", "|R| of ψ", "phase", "|R| of p")
    head = html.Thead(html.Tr([html.Th(name, scope="col") for name in names]))
    return tile, [end, html.Small(words)], html.Table([head, html.Tbody(rows)])


def _power(found):
    """Tiles of the radiated power and of the balance, and where the incident power goes."""
    residual = [_power_of_ten(abs(found.residual)), html.Small("residual, relative")]
    if not found.incident:
        return [f"{found.radiated:.3g}", html.Small("no power is incident")], residual, ""
    parts = {"radiated": found.radiated, "reflected": found.reflected, "vortical": found.vortical}
    shares = {name: value / found.incident for name, value in parts.items() if value or name != "vortical"}
    tile = [f"{shares['radiated']:.2%}", html.Small("of the incident power")]
    bars = [html.Div(className=name, style={"width": f"{100 * max(share, 0):.2f}%"}) for name, share in shares.items()]
    words = [html.Span(f"{name} {share:.2%}", className=name) for name, share in shares.items()]
    title = html.H2("Where the incident power goes")
    return tile, residual, [title, html.Div(bars, className="stack"), html.P(words)]


def _relevance(found, name):
    """What the map says, in words."""
    near = float(np.interp(0.1, DISTANCES, found.within))
    x, r = found.at
    methods = ", ".join(f"{method} {share:.0%}" for method, share in found.shares.items() if share >= 0.005)
    return (
        f"|{name}| = {found.value:.4g} c at x = {x:.3f} a, r = {r:.3f} a; {near:.0%} within 0.1 a, {found.across:.0%} "
        f"across the wall; {methods}"
    )
