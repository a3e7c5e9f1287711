"""The page's state as it stands in the address: which texts there are, what they mean, and what is wrong with one."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..controls import FLOWS, LINER, LIPS, OUTER, WALLS, WORDS, Mode

DEFAULTS = {  # of every number on the page, as typed; empty: not given
    "m": "2",
    "n": "0",
    "helmholtz": "8",
    "frequency": "",
    "radius": "",
    "temperature": "15",
    "hub": "0",
    "mach": "0.3",
    "mach_outer": "0",
    "sound_speed_ratio": "1",
    "density_ratio": "1",
    "kutta": "1",
    "resistance": "1.5",
    "reactance": "0.8",
    "liner_length": "1",
    "liner_distance": "0.5",
    "thickness": "0.1",
    "x": "0.1",
    "r": "1",
}
CHOICES: dict[str, dict[str, str]] = {  # of one of several: {value: text in HTML}
    "flow": FLOWS,
    "growing": {"no": "left out", "yes": "in the field"},
    "wall": WALLS,
    "lip": {name: name for name in LIPS},
    "surface_wave": {"stable": "stable", "unstable": "unstable"},
    "time": {"minus": "e<sup>−iωt</sup>", "plus": "e<sup>+iωt</sup>"},
    "given": {"helmholtz": "ka", "frequency": "Hz"},  # which of both was typed last
    "quantity": {"pressure": "Re p", "potential": "Re ψ", "axial_velocity": "Re u", "radial_velocity": "Re v"},
    "sound": {"mode": "this mode", "equal-power": "equal power", "equal-energy-density": "equal energy"},
    "velocity": {"u": "u", "v": "v"},
}
CHOSEN = {name: next(iter(choices)) for name, choices in CHOICES.items()} | {"flow": "uniform"}  # on a fresh page
_SPOKEN = WORDS | {"x": "point's x", "r": "point's r"}
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?", re.ASCII | re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}", re.ASCII)  # 3,600: a thousand in some countries
_LONGEST = 32  # of a number as typed
_SIGNS = str.maketrans({"−": "-", "–": "-"})  # as in texts that are pasted


class UnreadError(ValueError):
    """A text that is no number, or a name that the page does not know. name : of the control."""

    def __init__(self, name: str, message: str):
        super().__init__(message)
        self.name = name


@dataclass(frozen=True)
class State:
    """All that the page shows: the mode, and what of it. texts : of all numbers as typed; chosen : of all choices."""

    mode: Mode
    texts: Mapping[str, str]
    chosen: Mapping[str, str]

    @property
    def point(self) -> tuple[float | None, float | None]:
        """x and r of the point whose relevance is shown, None where a control is empty; may raise UnreadError."""
        return number("x", self.texts["x"]), number("r", self.texts["r"])


def number(name: str, text: str) -> float | None:
    """The number that is typed in a control, None if it is empty; a decimal comma is a point.

    Raises
    ------
    UnreadError
        The text is something else, or could be read in two ways: 3,600 or 1,234.5.
    """
    plain = text.strip().translate(_SIGNS)
    if not plain:
        return None
    if name == "liner_length" and plain == "inf":
        return math.inf
    if _THOUSANDS.fullmatch(plain):
        raise UnreadError(name, f"the {_SPOKEN[name]} could be {plain.replace(',', '')} or {plain.replace(',', '.')}")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    if len(plain) > _LONGEST or not _NUMBER.fullmatch(plain) or not math.isfinite(float(plain)):
        raise UnreadError(name, f"the {_SPOKEN[name]} must be a number such as 1.5 or 1,5, got {text[:_LONGEST]!r}")
    return float(plain)


def read(query: Mapping[str, str]) -> State:
    """The state of a query; what it lacks is as on a fresh page.

    Raises
    ------
    UnreadError
        An unknown name or choice, or a text that is no number.
    ValueError
        A mode, jet or liner that the page or the solver does not take.
    """
    for name in query:
        if name not in DEFAULTS and name not in CHOICES:
            raise UnreadError(name, f"the page has no control {name!r}")
    chosen = {name: query.get(name, value) for name, value in CHOSEN.items()}
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise UnreadError(name, f"{name} must be one of {', '.join(CHOICES[name])}, got {value!r}")
    texts = {name: query.get(name, text) for name, text in DEFAULTS.items()}
    values = {name: number(name, texts[name]) for name in _needed(chosen, texts)}
    return State(_mode(values, chosen), texts, chosen)


def _needed(chosen: Mapping[str, str], texts: Mapping[str, str]) -> list[str]:
    """Numbers that the mode depends on: what is in a control that is hidden does not matter."""
    names = ["m", "n", "radius", "hub", "frequency" if chosen["given"] == "frequency" else "helmholtz"]
    names += ["temperature"] if texts["radius"].strip() else []
    names += ["mach"] if chosen["flow"] != "none" else []
    names += OUTER if chosen["flow"] == "jet" else ()
    return names + list({"lined": LINER, "thick": ("thickness",)}.get(chosen["wall"], ()))


def _mode(values: Mapping[str, float | None], chosen: Mapping[str, str]) -> Mode:
    liner: dict[str, Any] | None = None
    if chosen["wall"] == "lined":
        liner = {name: values[name] for name in LINER} | {"surface_wave": chosen["surface_wave"]}
        if chosen["time"] == "plus" and liner["reactance"] is not None:
            liner["reactance"] = 0.0 - liner["reactance"]
    duct: dict[str, Any] | None = None
    if values["radius"] is not None:
        duct = {name: values.get(name) for name in ("radius", "temperature", "frequency")}
    if chosen["given"] == "frequency":
        if values["frequency"] is None:
            raise ValueError("the frequency f is missing: type a number")
        if duct is None:
            raise ValueError("a frequency needs the duct radius a in metres: type it, too")
    return Mode.of(
        values["m"],
        values["n"],
        values.get("helmholtz"),
        values.get("mach"),
        chosen["flow"],
        chosen["growing"] == "yes",
        hub=values["hub"],
        liner=liner,
        lip={"kind": chosen["lip"], "thickness": values["thickness"]} if chosen["wall"] == "thick" else None,
        duct=duct,
        **({name: values[name] for name in OUTER} if chosen["flow"] == "jet" else {}),
    )
