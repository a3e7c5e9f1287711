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

from dash import ClientsideFunction, Dash, Input, Output, Patch, State, ctx, html, no_update
from werkzeug.serving import WSGIRequestHandler, make_server

from ..bench import Bench, R, X, cell_at
from ..controls import Mode
from . import figures, layout, texts
from .themes import THEMES

HOST = "127.0.0.1"
Controls = dict[str, Any]  # values of the page's controls by name
_START: Controls = {**layout.DEFAULTS, "flow": layout.CHOSEN["flow"]}
FIRST = Mode.of(**_START)  # what the page starts with
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

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


class Page:
    """The page of a `Bench`, served on the loopback interface while in a with statement. port : 0 for any free one."""

    def __init__(self, bench: Bench, port: int = 0):
        self.app = app(bench)
        with socket.create_server((HOST, port)) as door:  # werkzeug's own way ends the program if the port is taken
            self._server = make_server(
                HOST, port, self.app.server, threaded=True, request_handler=_Quiet, fd=door.fileno()
            )
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self._server.port}/"

    def __enter__(self) -> "Page":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self) -> None:
        """Serve until interrupted."""
        self._thread.join()


def app(bench: Bench) -> Dash:
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


def _in_the_browser(made: Dash) -> None:
    """Callbacks that need no computation: sliders that follow numbers, buttons, the theme, the chosen point."""

    def browser(function: str, *dependencies: Any, **options: Any) -> None:
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


def _results(made: Dash, bench: Bench) -> None:
    """The parts of the page that are computed."""
    for part in (_reflection, _field, _directivity, _power, _derivative, _relevance):
        part(made, bench)


def _reflection(made: Dash, bench: Bench) -> None:
    @made.callback(
        Output("message", "children"),
        Output("message", "className"),
        Output("reflection-tile", "children"),
        Output("end-correction", "children"),
        Output("reflection", "children"),
        inputs={"mode": _MODE},
    )
    def reflection(mode: Controls) -> Any:
        try:
            chosen = Mode.of(**mode)
            found = bench.reflection(chosen)
        except _REFUSED as error:
            return texts.sentence(error), "error", "–", "–", html.P("no solution", className="note")
        return *texts.notice(chosen), *texts.reflection(chosen, found)


def _field(made: Dash, bench: Bench) -> None:
    @made.callback(
        Output("field", "figure"),
        Output("field-note", "children"),
        Output("error-estimate", "children"),
        Output("shown", "data"),
        inputs={"mode": _MODE, "quantity": Input("quantity", "data"), "theme": _THEME},
        state={"at": _POINT_STATE},
    )
    def field(mode: Controls, quantity: str, theme: str, at: Controls) -> Any:
        chosen, colours = _solved(bench, mode), THEMES[theme]
        if chosen is None:
            return figures.nothing(colours, "no field"), "", "–", time.time()
        try:
            found, solution = bench.field(chosen), bench.solution(chosen)
        except _REFUSED as error:
            return figures.nothing(colours, "no field"), texts.sentence(error), "–", time.time()
        figure = figures.field(colours, getattr(found, quantity), quantity, chosen.in_jet, _marked(at))
        estimate = [
            texts.power_of_ten(solution.error_estimate),
            html.Small(["R and D; field ", texts.power_of_ten(found.error_estimate)]),
        ]
        note = "" if chosen.in_jet else "click on a point for its relevance"
        return figure, note, estimate, time.time()


def _directivity(made: Dash, bench: Bench) -> None:
    @made.callback(
        Output("directivity", "figure"),
        Output("directivity-note", "children"),
        inputs={"mode": _MODE, "theme": _THEME},
    )
    def directivity(mode: Controls, theme: str) -> Any:
        chosen, colours = _solved(bench, mode), THEMES[theme]
        if chosen is None:
            return figures.nothing(colours, "no directivity"), ""
        try:
            found = bench.directivity(chosen)
        except _REFUSED as error:
            return figures.nothing(colours, "no directivity"), texts.sentence(error)
        if found.surrogate is None:
            return figures.directivity(colours, found), found.reason
        note: list[Any] = ["surrogate off by ", texts.power_of_ten(found.error), ", relative L2; error bar "]
        return figures.directivity(colours, found), [*note, texts.power_of_ten(found.bar)]


def _power(made: Dash, bench: Bench) -> None:
    @made.callback(
        Output("radiated", "children"),
        Output("residual", "children"),
        Output("shares", "children"),
        inputs={"shown": Input("shown", "data")},
        state={"mode": _MODE_STATE},
    )
    def power(shown: float, mode: Controls) -> Any:
        chosen = _solved(bench, mode)
        if chosen is None:
            return "–", "–", ""
        try:
            return texts.power(bench.power(chosen))
        except _REFUSED as error:
            return "–", ["–", html.Small(texts.sentence(error))], ""


def _derivative(made: Dash, bench: Bench) -> None:
    @made.callback(
        Output("derivative", "figure"),
        Output("derivative-note", "children"),
        inputs={"shown": Input("shown", "data"), "name": Input("velocity", "data")},
        state={"mode": _MODE_STATE, "theme": State("theme", "data")},
    )
    def derivative(shown: float, name: str, mode: Controls, theme: str) -> Any:
        chosen, colours = _solved(bench, mode), THEMES[theme]
        if chosen is None:
            return figures.nothing(colours, "no velocity"), ""
        try:
            found = bench.derivative(chosen, name)
        except _REFUSED as error:
            return figures.nothing(colours, "no velocity"), texts.sentence(error)
        figure = figures.derivative(colours, found, name, chosen.in_jet)
        if found.surrogate is None:
            return figure, found.reason
        note: list[Any] = [f"{name} from ψ on the grid, off by ", texts.power_of_ten(found.error), ", relative L2"]
        note += [html.Strong(f"; {line}") for line in found.warnings]
        return figure, note


def _relevance(made: Dash, bench: Bench) -> None:
    @made.callback(
        Output("relevance", "figure"),
        Output("relevance-note", "children"),
        Output("field", "figure", allow_duplicate=True),
        inputs={"at": _POINT, "shown": Input("shown", "data"), "name": Input("velocity", "data")},
        state={"mode": _MODE_STATE, "theme": State("theme", "data")},
        prevent_initial_call="initial_duplicate",
    )
    def relevance(at: Controls, shown: float, name: str, mode: Controls, theme: str) -> Any:
        chosen, colours = _solved(bench, mode), THEMES[theme]
        if chosen is None:
            return figures.nothing(colours, "no relevance"), "", no_update
        try:
            found = bench.relevance(chosen, name, at["x"], at["r"])
        except _REFUSED as error:
            return figures.nothing(colours, "no relevance"), texts.sentence(error), no_update
        moved: Any = Patch()
        moved["data"][1]["x"], moved["data"][1]["y"] = [[value] for value in found.at]
        if not ctx.triggered_prop_ids.keys() & {"x.value", "r.value"}:
            moved = no_update  # the field has been drawn with it
        return figures.relevance(colours, found, name), texts.relevance(found, name), moved


def _solved(bench: Bench, mode: Controls) -> Mode | None:
    """Mode of the controls; None if it has no solution, which the message says."""
    try:
        chosen = Mode.of(**mode)
        bench.solution(chosen)
    except _REFUSED:
        return None
    return chosen


def _marked(at: Controls) -> tuple[float | None, float | None]:
    """Centre of the chosen point's cell; none where there is none."""
    try:
        i, j = cell_at(at["x"], at["r"])
    except ValueError:
        return None, None
    return float(X[i]), float(R[j])
