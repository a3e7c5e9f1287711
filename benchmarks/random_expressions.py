"""The cases of random_inputs.py: Python expressions drawn from a seed.

Every argument is drawn with its plain form, the double or the int of equal value, and with what is expected of it: it
is valid, bad, or open (documented neither way, as True for an integer: then an answer and a refusal are both right).
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np
from mpmath import mpf

import analytic

BAD, OPEN, VALID = range(3)
NAMES = {name: getattr(analytic, name) for name in analytic.__all__}
NAMES |= {"np": np, "Fraction": Fraction, "Decimal": Decimal, "mpf": mpf, "nan": np.nan, "inf": np.inf}

STYLES = ("ordinary", "extreme", "odd")
TIGHT = 1e-10  # tolerance of the judge
REDUCED = 1e-20, 1e4  # documented range of ka / sqrt(1 - M^2) in the duct, and outside a jet
MOST_MODES = 250.0  # ka / sqrt(1 - M^2) at which multimode sources near the documented limit of 20,000 modes

# Other numbers of the same value, and what is expected of them.
NUMBERS = (
    ("np.float64({})", VALID),
    ("np.float32({})", VALID),
    ("np.float16({})", VALID),
    ("np.longdouble({})", OPEN),
    ("np.array({})", OPEN),
    ("np.array({}, np.float32)", OPEN),
    ("Fraction({})", OPEN),
    ("Decimal({})", OPEN),
    ("mpf({})", OPEN),
)
INTEGERS = (
    ("np.int8({})", VALID),
    ("np.uint8({})", VALID),
    ("np.int16({})", VALID),
    ("np.int64({})", VALID),
    ("np.uint64({})", VALID),
    ("{}.0", OPEN),
    ("np.float32({})", OPEN),
    ("np.array({})", OPEN),
    ("Fraction({})", OPEN),
)
NONSENSE = (
    "None",
    "'{}'",
    "''",
    "b'1'",
    "nan",
    "inf",
    "-inf",
    "np.float32('nan')",
    "np.nan * 1j",
    "complex({})",
    "{} + 1j",
    "np.complex64({})",
    "[{}]",
    "({},)",
    "np.array([{}])",
    "np.array([{}, {}])",
    "np.array([])",
    "{{}}",
    "object",
    "slice(None)",
    "np.datetime64('2020-01-01')",
)
BOOLEANS = ("True", "False", "np.True_")

HELMHOLTZ_OPEN = (5e-324, 1e-300, 1e-100, 1e-12, 3e3, 1e5, 1e16, 1e300)
MACHS = (0.0, -0.0, 1e-300, 1e-12, -1e-12, 0.99, -0.99, 0.999, -0.999, 0.999999999, -0.999999999)
FASTEST = 0.9995  # beyond it a limit of ka / sqrt(1 - M^2) may be named
MACHS_BAD = (1.0, -1.0, 1.5, -3.0, 1e300)
HUBS = (1e-300, 1e-12, 1e-8, 1e-3, 0.9, 0.949, 0.95)
HUBS_BAD = (0.951, 0.999, 1.0, 1.5, -0.1, -1e-300)
NEAR_CUT_ON = (0.0, 1e-16, -1e-16, 1e-15, -1e-15, 1e-13, -1e-13, 1e-11, -1e-10, 1e-9, -1e-9, 1e-7, -1e-6, 1e-4)
ANGLES = (0.0, 1e-300, 1e-16, 1e-12, 1e-11, 1e-9, 1e-7, 1e-5, 1e-3, np.pi / 2, 3.0, 3.14159, np.pi - 1e-12, np.pi)
ANGLES_BAD = (-1e-300, -0.1, 3.1416, 4.0, -np.inf)
AXIAL = (0.0, -0.0, 1e-300, -1e-300, 1e-15, -1e-9, 1e-5, -1e-5, 0.01, -0.01, 3.0, -3.0, 30.0, -30.0, 300.0, -300.0)
AXIAL_FAR = (1e3, -1e3, 1e4, -1e4, 1e5, -1e5, 1e6, -1e6, 1e7, -1e7, 1e8, -1e8)
RADII = (1e-300, 1e-9, 1e-3, 0.5, 1 - 1e-3, 1 - 1e-15, 1.0, 1 + 1e-15, 1 + 1e-9, 1 + 1e-3, 1.5, 10.0, 100.0)
RADII_FAR = (1e3, 1e4, 1e5, 1e6, 1e7, 1e8)


@dataclass(frozen=True)
class Text:
    """A piece of Python, the same with plain numbers, and what is expected of it."""

    text: str
    plain: str
    status: int = VALID


def opened(text):
    """The text, open where it was valid."""
    return Text(text.text, text.plain, min(text.status, OPEN))


def join(template, *parts):
    """The template with parts filled in, as bad as the worst of them."""
    return Text(
        template.format(*(part.text for part in parts)),
        template.format(*(part.plain for part in parts)),
        min((part.status for part in parts), default=VALID),
    )


@dataclass(frozen=True)
class Case:
    """A case: object and question, the same by the judge's route, what is expected, angles asked about ('' if none)."""

    number: int
    kind: str
    setup: str
    query: str
    plain_setup: str
    plain_query: str
    status: int
    plain_angles: str = ""

    def __str__(self):
        return self.setup + self.query


class Draw:
    """Arguments of one case.

    style : of STYLES; in an odd one about every third argument has another type or range.
    """

    def __init__(self, rng, style):
        self.rng, self.style = rng, style

    def chance(self, share):
        return self.rng.random() < share

    def pick(self, options):
        return options[int(self.rng.integers(len(options)))]

    def odd(self, share=0.3):
        return self.style == "odd" and self.chance(share)

    def extreme(self, share=0.5):
        return self.style == "extreme" and self.chance(share)

    def between(self, low, high):
        return float(low + (high - low) * self.rng.random())

    def log_between(self, low, high):
        return float(np.exp(self.between(np.log(low), np.log(high))))

    # Single numbers

    def number(self, value, valid, bad=()):
        """A double or one of the odd forms; valid(value): whether it is in its range."""
        if not self.odd():
            return Text(repr(value), repr(value), VALID)
        which = self.rng.random()
        if which < 0.15 and bad:
            return Text(repr(one := self.pick(bad)), repr(one), BAD)
        if which < 0.4:
            return Text(self.pick(NONSENSE).format(value, value), "None", BAD)
        if which < 0.45:
            return Text(self.pick(BOOLEANS), "None", OPEN)
        form, status = self.pick(NUMBERS)
        text = form.format(value)
        plain = float(eval(text, dict(NAMES)))
        return Text(text, repr(plain), status if valid(plain) else BAD)

    def integer(self, value, bad=()):
        """An int or one of the odd forms."""
        if not self.odd():
            return Text(repr(value), repr(value), VALID)
        which = self.rng.random()
        if which < 0.2 and bad:
            return Text(repr(self.pick(bad)), "None", BAD)
        if which < 0.4:
            return Text(self.pick(NONSENSE).format(value, value), "None", BAD)
        if which < 0.45:
            return Text(self.pick(BOOLEANS), "None", OPEN)
        form, status = self.pick(INTEGERS)
        return Text(form.format(abs(value)), repr(abs(value)), status)

    # Parameters of a source

    def m(self):
        value = int(self.rng.integers(-8, 13))
        if self.extreme():
            value = int(self.pick((0, 1, -1, 26, 30, -30, 40, 60, 84, 85, 100, 150, -200, 200)))
        return self.integer(value, (0.5, 1.5, -2.5, 1e300))

    def n(self):
        value = int(self.pick((0, 0, 0, 1, 1, 2, 3)))
        if self.extreme(0.3):
            value = int(self.pick((5, 10, 30, 60, 100, 200)))
        return self.integer(value, (-1, -5, 0.5, 1.5))

    def mach(self, jet):
        value = self.between(0.05, 0.9) if jet else self.pick((0.0, self.between(-0.9, 0.9)))
        if self.extreme(0.4):
            value = self.pick(MACHS)
        if abs(value) > FASTEST:
            return Text(repr(value), repr(value), BAD if jet and value < 0 else OPEN)
        text = self.number(value, lambda mach: abs(mach) < 1, MACHS_BAD)
        if jet and text.status > BAD and text.plain != "None" and not float(text.plain) > 0:
            return Text(text.text, text.plain, BAD)
        return text

    def hub(self):
        value = 0.0 if self.chance(0.6) else self.between(0.02, 0.8)
        if self.extreme(0.3):
            value = self.pick(HUBS)
        return self.number(value, lambda hub: 0 <= hub <= 0.95, HUBS_BAD)

    def helmholtz(self, m=None, n=None, mach=None, hub=None, largest=30.0):
        value = self.log_between(0.1, largest)
        if self.extreme(0.7):
            value = self.log_between(1e-8, 1e3)
            if self.chance(0.15):
                value = self.pick(HELMHOLTZ_OPEN)
                return Text(repr(value), repr(value), OPEN)
            if m is not None and self.chance(0.4):
                try:
                    numbers = [eval(one.plain, {}) for one in (m, n, mach, hub)]
                    cut_on = analytic.cut_on_helmholtz(*numbers[:3], hub=numbers[3])
                    value = float(cut_on * (1 + self.pick(NEAR_CUT_ON))) or value
                except (TypeError, ValueError, ArithmeticError):
                    pass
        return self.number(value, lambda ka: 0 < ka < np.inf, (0.0, -1.0, -1e-300))

    def source(self, jet=False, largest=30.0, mixture=0.2):
        """A mode or a mixture."""
        m, n, mach, hub = self.m(), self.n(), self.mach(jet), self.hub()
        helmholtz = self.helmholtz(m, n, mach, hub, largest)
        if self.chance(mixture):
            return join("ModeMixture({}, {}, {}, {}, {})", m, self.amplitudes(), helmholtz, mach, hub)
        return join("DuctMode({}, {}, {}, {}, {})", m, n, helmholtz, mach, hub)

    def amplitudes(self):
        count = int(self.rng.integers(1, 5))
        values = [complex(round(self.between(-1, 1), 3), round(self.between(-1, 1), 3)) for _ in range(count)]
        plain = repr(values)
        if self.extreme(0.3):
            plain = repr([self.pick((1e-300, 1e-12, 1e12, 1e300, 0.0)), 1.0])
            return Text(plain, plain, OPEN)
        if not self.odd():
            return Text(plain, plain)
        return self.pick(
            (
                Text(f"np.array({plain}, np.complex64)", f"np.array({plain}, np.complex64).astype(complex)"),
                Text(f"tuple({plain})", plain),
                Text("[]", "None", BAD),
                Text("[0.0, 0.0]", "None", BAD),
                Text("[nan, 1.0]", "None", BAD),
                Text("[[1.0, 2.0]]", "None", BAD),
                Text("['a']", "None", BAD),
                Text("None", "None", BAD),
                Text("1.0", "None", BAD),
                Text("[True]", "[1.0]", OPEN),
            )
        )

    def jet(self, mach=None):
        """A jet, at extremes with a Mach number or a sound speed that coincides with another."""
        outer = self.pick((0.0, self.between(0, 0.4)))
        speed, density = self.pick((1.0, self.between(0.4, 1.5))), self.pick((1.0, self.log_between(0.2, 5)))
        kutta = self.pick((0.0, 1.0, 1.0, self.between(0, 1)))
        if self.extreme(0.6):
            outer = self.pick((0.0, 0.4, 0.9, 0.99, 0.999, 1e-300, 0.3))
            speed = self.pick((0.01, 0.1, 0.3, 1.0, 1.0, 3.0, 100.0))
            density = self.pick((1e-8, 1e-3, 0.1, 1.0, 10.0, 1e3, 1e8))
        outer = self.number(outer, lambda x: 0 <= x < 1, (-0.1, 1.0, 2.0))
        speed = self.number(speed, lambda x: 0 < x < np.inf, (0.0, -1.0))
        density = self.number(density, lambda x: 0 < x < np.inf, (0.0, -1.0))
        kutta = self.number(kutta, lambda x: 0 <= x <= 1, (-0.1, 1.1))
        flag = self.pick(("True", "False"))
        instability = Text(flag, flag)
        if self.odd():
            instability = Text(self.pick(("None", "'yes'", "1", "nan", "np.True_", "[True]")), "True", OPEN)
        return join("Jet({}, {}, {}, {}, {})", outer, speed, density, kutta, instability)

    def tolerance(self):
        """An option, mostly left out."""
        if self.odd(0.2):
            text = self.pick(("-1.0", "0.0", "nan", "'a'", "None", "-inf", "1j", "[1e-6]"))
            return Text(f", tolerance={text}", f", tolerance={TIGHT}", BAD)
        if self.odd(0.2) or self.extreme(0.1):
            text = self.pick(("1e-3", "1e-8", "np.float32(1e-6)", "0.1"))
            return Text(f", tolerance={text}", f", tolerance={TIGHT}")
        return Text("", f", tolerance={TIGHT}")

    def solution(self, jet, largest=30.0, mixture=0.2):
        source = self.source(jet, largest, mixture)
        if not jet:
            return join("solve({}{})", source, self.tolerance())
        form = self.pick(("solve({}, jet={}{})", "solve({}, medium={}{})"))
        return self.with_jet(form, source, self.jet(), self.tolerance())

    def with_jet(self, form, source, jet, tolerance):
        """Solution with a jet, open where ka / sqrt(1 - M^2) of the fluid outside leaves its documented range."""
        solution = join(form, source, jet, tolerance)
        if solution.status < VALID:
            return solution
        duct, medium = eval(source.plain, dict(NAMES)), eval(jet.plain, dict(NAMES))
        reduced = duct.helmholtz / medium.sound_speed_ratio / np.sqrt(1 - medium.mach_outer**2)
        return solution if REDUCED[0] <= reduced <= REDUCED[1] else opened(solution)

    # Arrays

    def array(self, values, valid, bad=(), far=()):
        """A list of numbers in one of the forms an array may have; valid as in `number`, for every element."""
        status = VALID
        if far and self.extreme(0.3):
            values, status = [*values[:-1], self.pick(far)], OPEN
        plain = repr(values)
        if not self.odd():
            form = self.pick(("{}", "np.array({})", "tuple({})"))
            return Text(form.format(plain), plain, status)
        which = self.rng.random()
        if which < 0.2 and bad:
            text = repr([*values, self.pick(bad)])
            return Text(text, "None", BAD)
        if which < 0.4:
            nonsense = (
                "[nan]",
                "[{}, nan]",
                "[{}, inf]",
                "[{}, 1j]",
                "np.array([{} + 0j])",
                "None",
                "'a'",
                "['a']",
                "[None]",
                "[[1.0], [1.0, 2.0]]",
                "{{}}",
                "object()",
                "np.array(['2020-01-01'], 'M8[D]')",
            )
            return Text(self.pick(nonsense).format(values[0]), "None", BAD)
        if which < 0.65:
            text = f"np.array({plain}, np.{self.pick(('float32', 'float32', 'float16'))})"
            with np.errstate(all="ignore"):
                doubles = np.asarray(eval(text, dict(NAMES)), dtype=float).tolist()
            return Text(text, repr(doubles), OPEN if all(valid(one) for one in doubles) else BAD)
        forms = (
            ("[]", "[]"),
            ("np.array([[{0}]])", "[[{0}]]"),
            ("{0}", "{0}"),
            ("np.float32({0})", "float(np.float32({0}))"),
            ("np.array({0})", "{0}"),
            ("np.array([{0}], object)", "[{0}]"),
            ("np.ma.array([{0}, 1.0], mask=[0, 1])", "None"),
            ("[True]", "[1.0]"),
            ("range(1, 3)", "[1.0, 2.0]"),
            ("iter([{0}])", "[{0}]"),
            ("np.array([1, 2], np.int8)", "[1.0, 2.0]"),
            ("np.array([1, 2], np.uint8)", "[1.0, 2.0]"),
        )
        text, plain = self.pick(forms)
        return Text(text.format(values[0]), plain.format(values[0]), OPEN)

    def some(self, draw, most=5):
        return [draw() for _ in range(int(self.rng.integers(1, most + 1)))]

    def angles(self):
        special = self.extreme(0.8)
        values = self.some(lambda: float(self.pick(ANGLES)) if special else self.between(0.05, 3.1))
        return self.array(values, lambda theta: 0 <= theta <= np.pi, ANGLES_BAD)

    def axial(self):
        special = self.extreme(0.8)
        values = self.some(lambda: self.pick(AXIAL) if special else self.between(-2, 2))
        return self.array(values, np.isfinite, (np.inf, -np.inf), AXIAL_FAR)

    def radii(self, hub_may_hide=True):
        special = self.extreme(0.8)
        values = self.some(lambda: self.pick(RADII) if special else self.between(0.85, 2))
        return self.array(values, lambda r: r >= 0, (-1e-300, -1.0), RADII_FAR)

    def positions(self, one_length):
        """x and r; open where a point may be inside a hub or at the lip, or where a grid and scattered ones differ."""
        x, r = self.axial(), self.radii()
        if one_length and x.status == r.status == VALID:
            both = [(a, b) for a, b in zip(eval(x.plain, {}), eval(r.plain, {}), strict=False)]
            x, r = (Text(repr(list(one)), repr(list(one))) for one in zip(*both, strict=True))
        ordinary = self.style == "ordinary"
        status = min(x.status, r.status, VALID if ordinary else OPEN)
        return Text(f"{x.text}, {r.text}", f"{x.plain}, {r.plain}", status)


# Kinds of cases: each gives the object, the question, and the angles asked about


def _solved(jet):
    return lambda draw: (draw.solution(jet, largest=20.0 if jet else 60.0), Text("", ""), None)


def _directivity(jet):
    def kind(draw):
        angles = draw.angles()
        return draw.solution(jet, 20.0 if jet else 60.0), join(".directivity({})", angles), angles

    return kind


def _power(jet):
    return lambda draw: (draw.solution(jet, 20.0 if jet else 60.0, mixture=0.1), Text(".power", ".power"), None)


def _field(jet, scattered):
    def kind(draw):
        solution = draw.solution(jet, 12.0)
        return solution, join(".at({})" if scattered else ".field({})", draw.positions(scattered)), None

    return kind


def _fields(draw):
    count = int(draw.rng.integers(1, 4))
    rows = [[round(draw.between(-1, 1), 2) for _ in range(count)] for _ in range(2)]
    matrix = Text(repr(rows), repr(rows))
    if draw.odd():
        matrix = Text(draw.pick(("[[0.0]]", "[1.0]", "[[nan]]", "None", "[['a']]", "[]", "[[]]")), "None", BAD)
    return draw.solution(False, 12.0), join(".fields({}, {})", matrix, draw.positions(False)), None


def _sweep(draw):
    count = int(draw.rng.integers(1, 6))
    m = int(draw.rng.integers(0, 6)) if not draw.extreme(0.4) else int(draw.pick((0, 26, 40, 100, 200)))
    orders = draw.array([m] * count, lambda v: v == int(v), (0.5, 1.5))
    n = draw.array([int(draw.rng.integers(0, 3))] * count, lambda v: v == int(v) and v >= 0, (-1, 0.5))
    low, high = (1e-8, 1e3) if draw.extreme(0.7) else (0.1, 40.0)
    ka = draw.array([draw.log_between(low, high) for _ in range(count)], lambda v: 0 < v < np.inf, (0.0, -1.0))
    machs = [draw.pick(MACHS) if draw.extreme(0.4) else draw.between(-0.9, 0.9) for _ in range(count)]
    mach = draw.array(machs, lambda v: abs(v) < 1, MACHS_BAD)
    if any(abs(one) > FASTEST for one in machs):
        mach = Text(mach.text, mach.plain, min(mach.status, OPEN))
    parts = orders, n, ka, draw.angles(), mach, draw.hub(), draw.tolerance()
    call = join("sweep({}, {}, {}, {}, mach={}, hub={}{})", *parts)
    if draw.style == "odd" and call.status == VALID:
        call = Text(call.text, call.plain, OPEN)  # lengths may differ
    return call, Text("", ""), None


def _near_fields(draw):
    sources = draw.some(lambda: draw.source(largest=12.0), 3)
    listed = join("[" + ", ".join(["{}"] * len(sources)) + "]", *sources)
    if draw.odd():
        listed = Text(draw.pick(("[]", "None", "[1]", "'a'", "[None]")), "[]", OPEN)
    call = join("near_fields({}, {}{})", listed, draw.positions(False), draw.tolerance())
    if listed.text == "[]":  # no source, no field: nothing is computed from the positions
        call = Text(call.text, call.plain, OPEN)
    return call, Text("", ""), None


def many_modes(helmholtz, mach, hub):
    """Whether a source of all cut-on modes may have more than are taken."""
    if min(helmholtz.status, mach.status) < VALID:
        return False
    return eval(helmholtz.plain, {}) / np.sqrt(1 - eval(mach.plain, {}) ** 2) > MOST_MODES


def _multimode(draw):
    model = draw.pick(("equal_power", "equal_energy_density"))
    helmholtz = draw.helmholtz(largest=12.0)
    if helmholtz.status == VALID and float(eval(helmholtz.plain, {})) > 60:
        helmholtz = Text("60.0", "60.0")
    parameters = helmholtz, draw.mach(False), draw.hub()
    source = join(f"MultiMode.{model}({{}}, {{}}, {{}})", *parameters)
    source = opened(source) if many_modes(*parameters) else source
    question = draw.pick(("", ".power", ".mean_square({})", ".level({})"))
    return join("solve({}{})", source, draw.tolerance()), join(question, *([draw.angles()] * ("{" in question))), None


def _end_correction(jet):
    def kind(draw):
        helmholtz, mach, hub = draw.helmholtz(largest=3.0), draw.mach(jet), draw.hub()
        source = join("DuctMode(0, 0, {}, {}, {})", helmholtz, mach, hub)
        options = (draw.jet(), draw.tolerance()) if jet else (draw.tolerance(),)
        call = draw.with_jet("solve({}, jet={}{})", source, *options) if jet else join("solve({}{})", source, *options)
        return call, Text(".end_correction", ".end_correction"), None

    return kind


def _wavenumber(draw):
    m, n, mach, hub = draw.m(), draw.n(), draw.mach(False), draw.hub()
    ka = draw.helmholtz(m, n, mach, hub)
    calls = (
        ("axial_wavenumber({2}, {0}, {1}, mach={3}, hub={4})", (m, n, ka, mach, hub)),
        ("cut_on_helmholtz({0}, {1}, {2}, hub={3})", (m, n, mach, hub)),
        ("cut_on_orders({0}, {1}, {2}, hub={3})", (ka, m, mach, hub)),
        ("radial_eigenvalue({0}, {1}, hub={2})", (m, n, hub)),
        ("radial_eigenvalues({0}, {1}, hub={2})", (m, n, hub)),
    )
    form, parts = draw.pick(calls)
    if "axial" in form and ka.text.startswith(("[", "(", "np.array")):  # which it takes
        parts = (m, n, Text(ka.text, ka.plain, OPEN), mach, hub)
    return join(form, *parts), Text("", ""), None


def _command(draw):
    """A command with its options as words; a wrong number in any of them."""
    name = draw.pick(("solve", "solve", "multimode", "field"))
    jet = draw.chance(0.25)
    values = {"m": draw.m(), "n": draw.n(), "helmholtz": draw.helmholtz(largest=10.0)}
    values |= {"mach": draw.mach(jet), "hub": draw.hub()}
    if name == "multimode":
        values = {name: value for name, value in values.items() if name not in "mn"}
    words, status = [name], VALID
    for option, value in values.items():
        good = value.status == VALID
        text = value.plain if good else draw.pick(("x", "", "nan", "1e", "inf"))
        status = status if good else BAD
        words.append(f"--{option}={text}")
    if jet:
        words += ["--jet", f"--sound-speed-ratio={draw.between(0.5, 1.5)}", f"--kutta={draw.between(0, 1)}"]
        words += [f"--density-ratio={draw.between(0.2, 2)}"]
    if name != "field":
        angles = draw.pick(("0:180:7", "10:90:3", "0:1e-9:2", "90:100:1"))
        if draw.odd():
            angles, status = draw.pick(("1:0:3", "0:181:3", "0:nan:3", "a", "0:180", "-5:5:3", "0:180:0")), BAD
        words.append(f"--angles={angles}")
        words += ["--json"] if draw.chance(0.5) else []
        status = OPEN if status == VALID and name == "multimode" and many_modes(*values.values()) else status
    else:
        words += ["--x=-1:1:6", "--r=0:2:4" if values["hub"].text == "0.0" else "--r=1:2:4", "-o", "/dev/null/none.h5"]
        status = BAD
    text = f"command({', '.join(map(repr, words))})"
    return Text(text, text, status), Text("", ""), None


KINDS = {
    "solve": (6, _solved(False)),
    "solve, jet": (5, _solved(True)),
    "directivity": (6, _directivity(False)),
    "directivity, jet": (4, _directivity(True)),
    "power": (5, _power(False)),
    "power, jet": (4, _power(True)),
    "field": (5, _field(False, False)),
    "field, jet": (4, _field(True, False)),
    "at": (5, _field(False, True)),
    "at, jet": (3, _field(True, True)),
    "fields": (2, _fields),
    "sweep": (6, _sweep),
    "near_fields": (4, _near_fields),
    "multimode": (4, _multimode),
    "end_correction": (3, _end_correction(False)),
    "end_correction, jet": (2, _end_correction(True)),
    "modes": (4, _wavenumber),
    "command": (5, _command),
}


def draw(seed, index, style=None):
    """Case of this number, of one of STYLES or any; the same arguments give the same case."""
    rng = np.random.default_rng([seed, index])
    weights = np.array([weight for weight, _ in KINDS.values()], dtype=float)
    kind = list(KINDS)[int(rng.choice(len(KINDS), p=weights / weights.sum()))]
    style = style or STYLES[int(rng.integers(len(STYLES)))]
    with np.errstate(all="ignore"):
        setup, query, angles = KINDS[kind][1](Draw(rng, style))
    status = min(setup.status, query.status)
    plain_angles = "" if angles is None else angles.plain
    return Case(index, kind, setup.text, query.text, setup.plain, query.plain, status, plain_angles)
