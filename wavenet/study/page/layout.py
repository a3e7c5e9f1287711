"""Controls and panels of the page."""

from collections.abc import Mapping
from typing import Any

from dash import dcc, html

from ..bench import QUANTITIES
from ..controls import FLOWS

DEFAULTS = {
    "m": 2,
    "n": 0,
    "helmholtz": 8.0,
    "mach": 0.3,
    "mach_outer": 0.0,
    "sound_speed_ratio": 1.0,
    "density_ratio": 1.0,
    "kutta": 1.0,
}
POINT = {"x": 0.1, "r": 1.0}
_SLIDERS = {  # of the page's controls: from, to, step
    "m": (0, 20, 1),
    "n": (0, 8, 1),
    "helmholtz": (0.5, 30, 0.1),
    "mach": (-0.9, 0.9, 0.01),
    "kutta": (0, 1, 0.01),
}
SLIDERS = tuple(_SLIDERS)
_LABELS = {
    "m": ("m", "azimuthal order"),
    "n": ("n", "radial order"),
    "helmholtz": ("ka", "Helmholtz number"),
    "mach": ("M", "Mach number"),
    "mach_outer": ("M₂", "Mach number outside"),
    "sound_speed_ratio": ("c₂/c", "sound speed outside over inside"),
    "density_ratio": ("ρ₂/ρ", "density outside over inside"),
    "kutta": ("Γ", "Kutta parameter"),
    "x": ("x", "axial [a]"),
    "r": ("r", "radial [a]"),
}
GROUPS = {  # choices of one of several: {value: text}
    "flow": FLOWS,
    "quantity": {name: f"Re {symbol}" for name, (symbol, _) in QUANTITIES.items()},
    "velocity": {"u": "u", "v": "v"},
}
CHOSEN = {"flow": "uniform", "quantity": "pressure", "velocity": "u"}
_HEIGHTS = {"field": 262, "relevance": 262, "directivity": 256, "derivative": 218}  # of the pictures [px]
_WAIT = 0.35  # after the last key in a number [s]


def page() -> html.Div:
    """The whole page."""
    return html.Div(
        [
            html.A("Skip to the pictures", href="#main", className="skip"),
            html.Header(
                [
                    html.H1("Sound from an open duct"),
                    html.P("Wiener–Hopf solution and its neural surrogates, mode by mode"),
                    html.Button("Theme: auto", id="theme-button", type="button"),
                ]
            ),
            html.Div([_controls(), html.Main(_panels(), id="main", tabIndex="-1")], className="bench"),
            *[dcc.Store(id=name, data=value) for name, value in CHOSEN.items()],
            dcc.Store(id="instability", data=False),
            dcc.Store(id="theme-choice", data="auto", storage_type="local"),
            dcc.Store(id="scheme", data=0),
            dcc.Store(id="theme"),
            dcc.Store(id="shown"),
        ],
        id="page",
    )


def _controls() -> html.Aside:
    return html.Aside(
        html.Form(
            [
                _group("Incident mode", [_number("m"), _number("n"), _number("helmholtz")]),
                _group(
                    "Flow",
                    [
                        _choice("flow", "Flow"),
                        _number("mach"),
                        html.Div(
                            [
                                _number("kutta"),
                                html.P("Outside: Mach number; sound speed and density over the jet's"),
                                html.Div(
                                    [
                                        _number(name, terse=True)
                                        for name in ("mach_outer", "sound_speed_ratio", "density_ratio")
                                    ],
                                    className="three",
                                ),
                                html.Button(
                                    "Growing wave in the field",
                                    id="instability-button",
                                    type="button",
                                    className="switch",
                                    **_aria(pressed="false"),
                                ),
                            ],
                            id="jet",
                            hidden=True,
                        ),
                    ],
                ),
                _group("Picture", [_choice("quantity", "Quantity in the near field")]),
                _group(
                    "Surrogate and relevance",
                    [
                        _choice("velocity", "Velocity of the surrogate"),
                        html.Div([_number(name, POINT) for name in POINT], className="two"),
                        html.P("Or click on a field. Relevance shows what the velocity there is read from."),
                    ],
                ),
            ],
            id="controls",
        ),
        **_aria(label="Controls"),
    )


def _aria(**values: str) -> Any:
    """Attributes aria-...; no parameters of Dash's elements."""
    return {f"aria-{name}": value for name, value in values.items()}


def _group(title: str, children: list[Any]) -> html.Fieldset:
    return html.Fieldset([html.Legend(title), *children])


def _number(name: str, values: Mapping[str, float] = DEFAULTS, terse: bool = False) -> html.Div:
    """A labelled number, with a slider where its range is a natural one; if terse, the words are for screen readers."""
    symbol, words = _LABELS[name]
    words_shown = html.Span(words, className="unseen" if terse else "")
    label = html.Label([html.Span(symbol, className="symbol"), " ", words_shown], htmlFor=name)
    number = dcc.Input(id=name, type="number", value=values[name], step="any", debounce=_WAIT)
    if name not in _SLIDERS:
        return html.Div([label, number], className="control")
    low, high, step = _SLIDERS[name]
    slider = dcc.Input(id=f"{name}-slider", type="range", min=low, max=high, step=step, value=values[name])
    hidden = html.Label(f"{symbol} {words}, slider", htmlFor=f"{name}-slider", className="unseen")
    return html.Div([label, number, hidden, slider], className="control slides")


def _choice(name: str, label: str) -> html.Div:
    """Buttons, one of which is pressed."""
    buttons = [
        html.Button(text, id=f"{name}-{value}", type="button", **_aria(pressed=str(value == CHOSEN[name]).lower()))
        for value, text in GROUPS[name].items()
    ]
    return html.Div(buttons, role="group", className="choice", **_aria(label=label))


def _panels() -> list[Any]:
    return [
        html.Div(id="message", role="status", **_aria(live="polite")),
        html.Div(
            [
                _tile("reflection-tile", "Reflection |R|"),
                _tile("end-correction", "End correction"),
                _tile("radiated", "Radiated power"),
                _tile("residual", "Power balance"),
                _tile("error-estimate", "Solver's error estimate"),
            ],
            className="tiles",
        ),
        html.Div(
            [
                _panel("field", "Near field", "wide"),
                _panel("relevance", "Relevance", "narrow"),
                _panel("directivity", "Directivity", "wide"),
                html.Section(
                    [
                        html.H2("Reflection into radial orders"),
                        html.Div(id="reflection"),
                        html.Div(id="shares"),
                    ],
                    className="panel narrow",
                ),
                _panel("derivative", "Velocity by the constrained network", "full"),
            ],
            className="panels",
        ),
    ]


def _tile(name: str, title: str) -> html.Div:
    return html.Div([html.H2(title), html.Div("–", id=name)], className="tile")


def _panel(name: str, title: str, width: str) -> html.Figure:
    graph = dcc.Graph(
        id=name,
        config={"displayModeBar": False, "responsive": True, "doubleClick": False},
        style={"height": f"{_HEIGHTS[name]}px"},
        responsive=True,
    )
    caption = html.Figcaption([html.H2(title), html.Span(id=f"{name}-note", className="note")])
    return html.Figure([caption, graph], className=f"panel {width}")
