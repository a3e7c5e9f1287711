"""Length and step of a training; the presets themselves are defined with their networks, in `wavenet.networks`.

A user's own are tables of a TOML file, each of which changes some values of a preset of the network's::

    [long]
    base = "standard"   # "quick" if it is not given
    epochs = 500
    rate = 2e-4
"""

import dataclasses
import math
import numbers
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUFFIX = ".toml"
_BASE = "base"


@dataclass(frozen=True)
class Preset:
    """Length and step of a training.

    epochs : largest number. batch : cases per batch, over all devices. rate : Adam's initial learning rate.
    patience : epochs without improvement before training stops. width : width of the network.
    physics : weight of the Helmholtz and compatibility residuals, for the U-net.
    samples : largest number of fields whose errors the constrained networks learn from.
    constraints : names of the network's constraints.

    Raises
    ------
    ValueError
        A value is not one of its kind.
    """

    epochs: int
    batch: int
    rate: float
    patience: int
    width: int
    physics: float = 0.0
    samples: int = 0
    constraints: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key, (words, fits) in _KINDS.items():
            if not fits(getattr(self, key)):
                raise ValueError(f"{key} must be {words}, got {getattr(self, key)!r}")
        for field in dataclasses.fields(self):  # numbers of numpy as Python's, which JSON knows
            kind = field.type if field.type in (int, float) else tuple
            object.__setattr__(self, field.name, kind(getattr(self, field.name)))

    def changed(self, **values: Any) -> "Preset":
        """The preset with some values changed.

        If it never stops before its last epoch, neither does one of more epochs.

        Raises
        ------
        ValueError
            There is no such value, or it is not one of its kind.
        """
        for key in values:
            if key not in _KINDS:
                raise ValueError(f"{key!r} is no value of a preset, expected one of {', '.join(_KINDS)}")
        epochs = values.get("epochs", self.epochs)
        if self.patience >= self.epochs and "patience" not in values and _whole(epochs, 1):
            values["patience"] = max(self.patience, epochs)
        return dataclasses.replace(self, **values)


def chosen(preset: "str | Path | Preset", known: Mapping[str, Preset]) -> Preset:
    """A preset by its name among those that are known, by FILE.toml:NAME, or as it is.

    The name may be left out where the file has one table.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        There is no such preset or file, or a value in it is not one of its kind: the message names file, key and value.
    """
    if isinstance(preset, Preset):
        return preset
    if not isinstance(preset, str | Path):
        raise TypeError(f"the preset must be a name, FILE.toml:NAME or a Preset, got {preset!r}")
    text = str(preset)
    if text.endswith(_SUFFIX) or f"{_SUFFIX}:" in text:
        return _from_file(text, known)
    return _named(text, known, "the preset")


def _named(name: object, known: Mapping[str, Preset], what: str) -> Preset:
    if not isinstance(name, str) or name not in known:
        more = ", or FILE.toml:NAME" if what == "the preset" else ""
        raise ValueError(f"{what} must be one of {', '.join(known)}{more}, got {name!r}")
    return known[name]


def _from_file(text: str, known: Mapping[str, Preset]) -> Preset:
    """Preset of FILE.toml:NAME, or of the only table in FILE.toml."""
    file, _, name = (text, "", "") if text.endswith(_SUFFIX) else text.rpartition(":")
    path = Path(file)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file of presets {path}")
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    tables = {key: table for key, table in found.items() if isinstance(table, dict)}
    stray = [key for key in found if key not in tables]
    if stray or not tables:
        what = f"the key {stray[0]} stands outside of one" if stray else "there is none"
        raise ValueError(f"{path}: presets are tables, such as [mine], and {what}")
    if not name and len(tables) == 1:
        (name,) = tables
    if name not in tables:
        raise ValueError(f"{path} has the presets {', '.join(tables)}: name one as {path}:NAME, got {name or text!r}")
    values = dict(tables[name])
    try:
        return _named(values.pop(_BASE, "quick"), known, _BASE).changed(**values)
    except ValueError as error:
        raise ValueError(f"{path}, [{name}]: {error}") from None


def _whole(value: object, least: int) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool) and int(value) >= least


def _number(value: object, *, positive: bool) -> bool:
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not math.isfinite(value):
        return False
    return float(value) > 0 or (float(value) == 0 and not positive)


_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {  # values of a preset: what they must be
    "epochs": ("a whole number from 1", lambda value: _whole(value, 1)),
    "batch": ("a whole number from 1", lambda value: _whole(value, 1)),
    "rate": ("a positive number", lambda value: _number(value, positive=True)),
    "patience": ("a whole number from 1", lambda value: _whole(value, 1)),
    "width": ("a whole number from 0", lambda value: _whole(value, 0)),
    "physics": ("a number from 0", lambda value: _number(value, positive=False)),
    "samples": ("a whole number from 0", lambda value: _whole(value, 0)),
    "constraints": (
        "a list of names",
        lambda value: isinstance(value, list | tuple) and all(isinstance(name, str) for name in value),
    ),
}
