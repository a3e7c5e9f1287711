"""Parts of the page that are computed: from the state to numbers in HTML and a picture.

A part is computed and sent on its own, in the order of `PARTS`: what is looked at first arrives first.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import analytic

from ..bench import Bench, R, X, cell_at
from ..picture_grid import CELLS, colour_limit
from ..shown import Directivity
from . import curves, lines, maps, plotting, texts
from .query import State, UnreadError, read
from .themes import THEMES, Theme

REFUSED = (ValueError, TypeError, ArithmeticError)
GRAPHS = ("field", "relevance", "directivity", "derivative")
_TILES = ("reflection-tile", "end-correction", "radiated", "residual", "error-estimate", "loudest")


@dataclass(frozen=True)
class View:
    """How the page is seen: its colours, the width of each picture [px], and a case that is held beside it."""

    theme: Theme = THEMES["light"]
    widths: Mapping[str, float] = field(default_factory=dict)
    held: Mapping[str, str] | None = None

    def width(self, name: str) -> float:
        """Width of a picture."""
        return max(float(self.widths.get(name, 600.0)), plotting.LEAST_WIDTH)


Answer = dict[str, Any]  # html by id, a figure, values of controls
Part = Callable[[Bench, State, View], Answer]


def summary(bench: Bench, state: State, view: View) -> Answer:
    """Message, reflection, and the numbers that follow from those typed."""
    found = bench.reflection(state.mode)
    of = "of R and D, relative" if found.thin is None else "of the network's R, power amplitudes, 95 %"
    estimate = texts.power_of_ten(found.error_estimate) + texts.small(of)
    text = texts.notice(state.mode)
    html = texts.reflection(state.mode, found) | {"error-estimate": estimate}
    return {"html": html, "message": {"text": text, "kind": "notice" if text else ""}, "values": derived(state)}


def derived(state: State) -> dict[str, str]:
    """Texts of controls that follow from others: the frequency from ka, or ka from the frequency."""
    source = state.mode.source
    if state.chosen["given"] == "frequency":
        return {"helmholtz": f"{source.helmholtz:.7g}"}
    return {"frequency": f"{source.frequency:.6g}" if isinstance(source, analytic.PhysicalMode) else ""}


def near_field(bench: Bench, state: State, view: View) -> Answer:
    """Near field on the grid of the picture."""
    mode, quantity = state.mode, state.chosen["quantity"]
    found = bench.near_field(mode)
    limit, largest = colour_limit(found.x, getattr(found.field, quantity).real, mode)
    clickable = not bench.without_network(mode)
    marked = _marked(state) if clickable else (None, None)
    picture = maps.field(view.theme, view.width("field"), found, quantity, mode, marked)
    return {"figure": picture, "html": {"field-note": texts.field(mode, found, limit, largest, clickable)}}


def far_field(bench: Bench, state: State) -> Directivity:
    """Of the mode, or of all that are cut on."""
    sound = state.chosen["sound"]
    return bench.directivity(state.mode) if sound == "mode" else bench.all_modes(state.mode, sound)


def directivity(bench: Bench, state: State, view: View) -> Answer:
    """Far field by both, over that of a held case."""
    found, held, html = far_field(bench, state), None, {}
    if view.held is not None:
        try:
            held = far_field(bench, read(view.held))
            if held.exact.reference != found.exact.reference:
                raise ValueError(f"its levels are in {held.exact.reference}, and are not shown")
        except REFUSED as error:
            held, html["held"] = None, f"The held case: {texts.sentence(error)}"
    picture = curves.directivity(view.theme, view.width("directivity"), found, held)
    return {"figure": picture, "html": texts.directivity(found) | html}


def power(bench: Bench, state: State, view: View) -> Answer:
    """Where the power goes, and the reflection by the surrogate of jets."""
    html = texts.power(bench.power(state.mode))
    learned = bench.learned_reflection(state.mode)
    if learned is not None:
        own = bench.reflection(state.mode).into[state.mode.source.n]
        html["reflection-note"] = texts.learned_reflection(own.potential, learned)
    return {"html": html}


def relevance(bench: Bench, state: State, view: View) -> Answer:
    """What the velocity at the chosen point is read from."""
    name = state.chosen["velocity"]
    found = bench.relevance(state.mode, name, *state.point)
    picture = maps.relevance(view.theme, view.width("relevance"), found, name)
    return {"figure": picture, "html": {"relevance-note": texts.relevance(found, name)}, "point": found.at}


def derivative(bench: Bench, state: State, view: View) -> Answer:
    """Velocity by the network."""
    name = state.chosen["velocity"]
    found = bench.derivative(state.mode, name)
    picture = maps.derivative(view.theme, view.width("derivative"), found, name, state.mode)
    if found.surrogate is None:
        return {"figure": picture, "html": {"derivative-note": texts.sentence(found.reason)}}
    note = f"{name} from ψ on the grid, off by {texts.power_of_ten(found.error)}, relative L2"
    warnings = list(found.warnings)
    limit, largest = colour_limit(X, found.exact.real, state.mode)
    if largest is not None:
        warnings.append(texts.clipped(limit, largest))
    note += "".join(f"<strong>; {line}</strong>" for line in warnings)
    return {"figure": picture, "html": {"derivative-note": note}}


def code(bench: Bench, state: State, view: View) -> Answer:
    """The command and the lines of Python that compute the same."""
    steps = 1 / CELLS, 1 / CELLS
    with contextlib.suppress(*REFUSED):  # where there is no picture of the field
        found = bench.near_field(state.mode)
        steps = float(np.min(np.diff(found.x))), float(np.min(np.diff(found.r)))
    return {"html": {"command-line": lines.command(state), "python-lines": lines.python(state, steps)}}


PARTS: dict[str, Part] = {
    "summary": summary,
    "field": near_field,
    "directivity": directivity,
    "relevance": relevance,
    "derivative": derivative,
    "power": power,
    "code": code,
}


def update(bench: Bench, query: Mapping[str, str], view: View, names: Sequence[str]) -> Iterator[Answer]:
    """The parts of these names, as they are ready; first of all, if the mode has no solution, a message that says why.

    Raises
    ------
    ValueError
        There is no part of a name.
    """
    for name in names:
        if name not in PARTS:
            raise ValueError(f"the parts of the page are {', '.join(PARTS)}, got {name!r}")
    try:
        state = read(query)
        bench.solution(state.mode)
    except REFUSED as error:
        yield _refused(error)
        for name in names:
            yield {"part": name} | _empty(name, view, "")
        return
    for name in PARTS:
        if name in names:
            try:
                answer = PARTS[name](bench, state, view)
            except REFUSED as error:
                answer = _empty(name, view, texts.sentence(error)) | _wrong(error)
            yield {"part": name} | answer


def _refused(error: Exception) -> Answer:
    """What is shown in place of numbers that do not exist."""
    html = dict.fromkeys(_TILES, texts.NONE) | {"reflection": '<p class="note">no solution</p>', "shares": ""}
    html |= {"reflection-note": "", "command-line": "", "python-lines": ""}
    return {"message": {"text": texts.sentence(error), "kind": "error"}, "html": html} | _wrong(error)


def _wrong(error: Exception) -> Answer:
    """Which control a message is about, if one is."""
    return {"invalid": error.name} if isinstance(error, UnreadError) else {}


def _empty(name: str, view: View, note: str) -> Answer:
    """A part that could not be computed."""
    if name not in GRAPHS:
        return {"html": _dashes(name, note) if note else {}}
    picture = plotting.nothing(view.theme, view.width(name), f"no {_NAMES[name]}")
    return {"figure": picture, "html": {f"{name}-note": note}}


def _dashes(name: str, note: str) -> dict[str, str]:
    """In place of the numbers of a part: those of another case must not stay."""
    reason = f'<p class="note">{note}</p>'
    missing: dict[str, dict[str, str]] = {
        "summary": dict.fromkeys(("reflection-tile", "end-correction", "error-estimate"), texts.NONE)
        | {"reflection": reason, "reflection-note": ""},
        "power": {"radiated": texts.NONE, "residual": texts.NONE + texts.small("no balance"), "shares": ""},
    }
    return missing.get(name, {})


_NAMES = {"field": "field", "relevance": "relevance", "directivity": "directivity", "derivative": "velocity"}


def _marked(state: State) -> tuple[float | None, float | None]:
    """Centre of the chosen point's cell; none where there is none."""
    try:
        i, j = cell_at(*state.point)
    except ValueError:
        return None, None
    return float(X[i]), float(R[j])
