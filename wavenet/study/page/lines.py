"""The command and the lines of Python that compute what the page shows."""

from html import escape

from ..controls import LINER, OUTER
from ..picture_grid import BESIDE, END, TOP, liner_ends, picture_start
from .query import State, number


def _plain(value: float | None) -> str:
    """A number as a person writes it, all digits kept."""
    assert value is not None
    return f"{int(value)}" if value == int(value) and abs(value) < 1e15 else repr(value)


class _Given:
    """Numbers of a state as texts."""

    def __init__(self, state: State):
        self._texts = state.texts

    def __getitem__(self, name: str) -> str:
        value = number(name, self._texts[name])
        return "inf" if value == float("inf") else _plain(value)

    def given(self, name: str) -> bool:
        """Whether there is a number, and it is not zero."""
        return bool(number(name, self._texts[name]))


def _impedance(state: State, *, conjugate: bool = False) -> str:
    """Re and Im as Python writes them, for exp(-i omega t), or as typed."""
    resistance, reactance = (number(name, state.texts[name]) or 0.0 for name in LINER[:2])
    sign = -1.0 if conjugate and state.chosen["time"] == "plus" else 1.0
    return f"{_plain(resistance)}{'' if sign * reactance < 0 else '+'}{_plain(sign * reactance)}j"


def command(state: State) -> str:
    """`wavenet solve` with the options of the mode, as HTML."""
    return escape(described(state))


def described(state: State) -> str:
    """The case in one line: the command that solves it."""
    given, source = _Given(state), state.mode.source
    parts = ["wavenet solve", f"--m={source.m}", f"--n={source.n}"]
    if given.given("radius"):
        frequency = given["frequency"] if state.chosen["given"] == "frequency" else f"{_frequency(state):.12g}"
        parts += [f"--radius={given['radius']}m", f"--frequency={frequency}Hz"]
        parts += [f"--temperature={given['temperature']}degC"]
    else:
        parts.append(f"--helmholtz={given['helmholtz']}")
    if source.hub:
        parts.append(f"--hub={given['hub']}")
    if source.mach:
        parts.append(f"--mach={given['mach']}")
    if state.mode.in_jet:
        parts += ["--jet", *(f"--{name.replace('_', '-')}={given[name]}" for name in OUTER)]
    if state.mode.liners:
        parts.append(f"--impedance={_impedance(state)}")
        parts += ["--engineering-impedance"] if state.chosen["time"] == "plus" else []
        parts += [f"--liner-length={given['liner_length']}", f"--liner-distance={given['liner_distance']}"]
        wave = state.mode.liners[0].surface_wave
        parts += [f"--surface-wave={wave}"] if wave else []
    if state.mode.lip is not None:
        parts.append(f"--lip={state.mode.lip}")
    return " ".join(parts)


def _frequency(state: State) -> float:
    """Of a physical source [Hz]."""
    frequency: float = getattr(state.mode.source, "frequency")  # noqa: B009 - of a PhysicalMode
    return frequency


def python(state: State, steps: tuple[float, float]) -> str:
    """A program that prints the page's numbers and computes its curves and field, as HTML; steps : of the grid."""
    given, source, chosen = _Given(state), state.mode.source, state.chosen
    if state.mode.lip is not None:
        return escape("\n".join(_at_lip(given, state)))
    names, options = ["DuctMode"], []
    if state.mode.in_jet:
        names.append("Jet")
        values = [f"{name}={given[name]}" for name in OUTER]
        values += [] if state.mode.growing else ["instability=False"]
        options += [f"jet=Jet({', '.join(values)})", "tolerance=1e-4"]
    if state.mode.liners:
        names.append("Liner")
        wave = state.mode.liners[0].surface_wave
        length = given["liner_length"]
        length = 'float("inf")' if length == "inf" else length
        values = [_impedance(state), f"length={length}", f"distance={given['liner_distance']}"]
        values += [f"surface_wave={wave!r}"] if wave else []
        kind = "Liner.engineering" if chosen["time"] == "plus" else "Liner"
        options.append(f"liner={kind}({', '.join(values)})")
    level = "sound_pressure_level" if given.given("radius") and source.cut_on else "relative_level"
    program = [
        "import numpy as np",
        f"from analytic import {', '.join([*names, 'solve'])}",
        "",
        f"mode = {_source(given, state)}",
        f"solution = solve({', '.join(['mode', *options])})",
        "print(abs(solution.reflection_pressure[mode.n]), solution.error_estimate)",
        f"level = solution.{level}(np.radians(np.arange(181.0)))  # dB, at physical angles",
        *_grid(state, steps),
        "field = solution.field(x, r[r > mode.hub])",
    ]
    if chosen["sound"] != "mode":
        program += _all_modes(state, options)
    if not state.mode.liners:  # their powers may be refused
        program.insert(6, "print(solution.power)")
    return escape("\n".join(program))


def _at_lip(given: _Given, state: State) -> list[str]:
    """Lines for a wall with a thickness: what the page shows, by the network, and the slow reference."""
    lip = f'Lip.parse("{state.mode.lip}")'
    return [
        "import numpy as np",
        "from analytic import DuctMode",
        "from data.elements import Lip",
        "from wavenet.study import lip_prediction, thick_wall",
        "",
        f"mode, lip = {_source(given, state)}, {lip}",
        "angle = np.arange(181.0)  # physical, degrees",
        "network = lip_prediction.predict(mode, lip, angle)",
        "print(network.reflection, network.reflection_bar, network.directivity_bar)",
        "level, of_thin_wall = network.far.level, network.thin.level  # dB",
        "elements = thick_wall.mode(mode, lip, angle)  # pip install 'wavenet[elements]'",
        "print(elements.thick.solved.reflection, elements.thick.solved.error_estimate)",
    ]


def _grid(state: State, steps: tuple[float, float]) -> list[str]:
    """Lines that make the picture's grid."""
    mode = state.mode
    starts = picture_start(mode), 0.0
    made = [
        f"{name} = {start:g} + {step!r} * (np.arange({round((end - start) / step)}) + 0.5)"
        for name, start, end, step in zip("xr", starts, (END, TOP), steps, strict=True)
    ]
    clear = " & ".join(f"(abs(x + {-end:g}) > {BESIDE[mode.source.mach != 0]})" for end in liner_ends(mode))
    return [*made, f"x = x[{clear}]  # sums of modes converge there"] if clear else made


def _all_modes(state: State, options: list[str]) -> list[str]:
    """Lines for all modes that are cut on."""
    way, physical = state.chosen["sound"].replace("-", "_"), _Given(state).given("radius")
    given = ", ".join(["many", *(option for option in options if not option.startswith("tolerance"))])
    level = "sound_pressure_level(angle, mode.duct)" if physical else "directivity_index(angle)"
    return [
        "from analytic import MultiMode",
        f"many = MultiMode.{way}(mode.helmholtz, mode.mach, mode.hub)",
        "angle = np.radians(np.arange(181.0))",
        f"level = solve({given}).{level}",
    ]


def _source(given: _Given, state: State) -> str:
    """The mode, in SI units if the radius is given."""
    source = state.mode.source
    flow = f", mach={given['mach']}" if source.mach else ""
    if not given.given("radius"):
        hub = f", hub={given['hub']}" if source.hub else ""
        return f"DuctMode({source.m}, {source.n}, {given['helmholtz']}{flow}{hub})"
    frequency = given["frequency"] if state.chosen["given"] == "frequency" else repr(_frequency(state))
    radius, hub = given["radius"], f", hub_radius={given['hub']} * {given['radius']}" if source.hub else ""
    return (
        f"DuctMode.physical({source.m}, {source.n}, frequency={frequency}, radius={radius}, "
        f"temperature={given['temperature']} + 273.15{flow}{hub})"
    )
