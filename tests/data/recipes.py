"""Recipes drawn by hypothesis over all keys, sensible and not, for test_any_recipe.py."""

import datetime
import json
import math

from hypothesis import strategies as st

from data import tasks


def toml(value):
    """A value as TOML, tables inline."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value)
        case datetime.date():
            return value.isoformat()
        case _:
            return repr(value)


def text(content):
    """A recipe as TOML."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in content.items())


def numbers(low, high):
    """Numbers between two."""
    return st.integers(0, 1000).map(lambda step: round(low + (high - low) * step / 1000, 6))


@st.composite
def parameters(draw, low, high):
    """A parameter in any of its spellings."""
    ends = sorted(draw(st.lists(numbers(low, high), min_size=2, max_size=2)))
    spelling = draw(st.sampled_from(["number", "range", "uniform", "log", "values"]))
    if spelling == "number":
        return ends[0]
    if spelling == "range":
        return ends
    if spelling == "values":
        return {"values": draw(st.lists(numbers(low, high), min_size=1, max_size=4, unique=True))}
    return {"range": ends, "scale": spelling if ends[0] > 0 else "uniform"}


TIES = ["1/sound_speed_ratio^2", "1 + mach/4", "helmholtz^0 + 0.1", "2 - hub", "(1 + mach_outer)^-1", "kutta + 0.5"]
# Likely values; the ends of what is allowed come up by the odd values below and in test_recipe.py.
SPANS = {
    "helmholtz": (3.5, 9.0),
    "mach": (-0.6, 0.6),
    "hub": (0.0, 0.5),
    "mach_outer": (0.0, 0.4),
    "sound_speed_ratio": (0.5, 2.0),
    "density_ratio": (0.3, 3.0),
    "kutta": (0.0, 1.0),
    "resistance": (0.3, 5.0),
    "reactance": (-2.0, 2.0),
    "liner_length": (0.2, 1.5),
    "liner_distance": (0.2, 1.0),
    "lip_thickness": (0.02, 0.4),
    "lip_aspect": (0.2, 1.0),
}
RATIOS = ("sound_speed_ratio", "density_ratio")
JET = ("mach_outer", *RATIOS, "kutta")
LINER = ("resistance", "reactance", "liner_length", "liner_distance")
LIP = ("lip_thickness", "lip_aspect")


def parameter(name, jet):
    """Values of one key of the source."""
    low, high = SPANS[name]
    if name == "mach" and jet:
        low = 0.05
    drawn = parameters(low, high)
    return st.one_of(drawn, st.sampled_from(TIES)) if name in RATIOS else drawn


@st.composite
def sources(draw, task):
    """The table [source]."""
    may = task != "factor" and not task.startswith(("lined", "lip"))
    jet = task.startswith("jet") or (may and draw(st.integers(0, 3)) == 0)
    found = {"m": draw(st.lists(st.integers(-2, 2), min_size=1, max_size=3, unique=True))}
    if "factor" in task:
        found["n"] = [0]
    elif not task.startswith("lip") and draw(st.booleans()):
        found["n"] = draw(
            st.one_of(st.just("cut-on"), st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
        )
    found["helmholtz"] = draw(parameter("helmholtz", jet))
    if task.startswith("lined"):
        jet = False
        found |= {name: draw(parameter(name, jet)) for name in LINER}
    if task.startswith("lip"):
        found |= {name: draw(parameter(name, jet)) for name in LIP}
    if task != "factor":
        if not task.startswith("lined") and (jet or draw(st.booleans())):
            found["mach"] = draw(parameter("mach", jet))
        if not task.startswith("lip") and draw(st.integers(0, 2)) == 0:
            found["hub"] = draw(parameter("hub", jet))
    if jet:
        known = [name for name in JET if task != "jet_factor" or name != "kutta"]
        for name in draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True)):
            found[name] = draw(parameter(name, jet))
    if "derivative" in task and draw(st.booleans()):
        found["modes"] = sorted(draw(st.lists(st.integers(1, 4), min_size=2, max_size=2)))
        found["mixtures"] = draw(st.integers(1, 3))
    return found


@st.composite
def places(draw, task):
    """The table that says where the fields are observed."""
    if "derivative" in task:
        start = draw(st.sampled_from([-1.0, -0.5, 0.125, -3.0]))
        return {
            "x": [start, draw(st.sampled_from([0.5, 1.0, 2.0])), draw(st.integers(2, 6))],
            "r": [
                draw(st.sampled_from([0.0, 0.0, 0.5, 0.6])),
                draw(st.sampled_from([0.9, 1.5, 2.0])),
                draw(st.integers(2, 6)),
            ],
        }
    if task in ("forward", "lined_forward"):
        angles = sorted(draw(st.lists(numbers(0.0, 180.0), min_size=2, max_size=2, unique=True)))
        return {"radius": draw(numbers(1.5, 50.0)), "angle_deg": [*angles, draw(st.integers(2, 6))]}
    if task == "edge":
        return {
            "radius": draw(numbers(0.02, 0.5)),
            "closest": draw(st.sampled_from([1e-6, 4e-6, 1e-3])),
            "roots": draw(st.integers(4, 6)),
            "angles": draw(st.integers(4, 6)),
        }
    name = {"factor": "angles", "lip": "count", "lip_near": "count"}.get(task, "nodes")
    return {name: draw(st.integers(4, 8))}


SPLITS = [[0.8, 0.1, 0.1], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.4, 0.3, 0.3], [0.5, 0.5, 0.0]]
NAMES = st.one_of(st.just("valid"), st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True))


@st.composite
def recipes(draw):
    """Tables of a recipe that is likely to be accepted."""
    task = draw(st.sampled_from(tasks.names()))
    source = draw(sources(task))
    found = {"task": task, "cases": draw(st.integers(1, 4)) * source.get("mixtures", 1)}
    options = {
        "seed": st.one_of(st.just(2**63 - 1), st.integers(0, 2**63 - 1)),
        "sampler": st.sampled_from(["random", "sobol"]),
        "storage": st.sampled_from(["double", "single"]),
        "split": st.sampled_from(SPLITS),
    }
    for key, values in options.items():
        if draw(st.booleans()):
            found[key] = draw(values)
    found["source"] = source
    found[tasks.get(task).section] = draw(places(task))
    if draw(st.integers(0, 4)) == 0:
        found |= draw(given(source, found["cases"]))
    if draw(st.integers(0, 2)) == 0:
        names = draw(st.lists(NAMES, min_size=1, max_size=2, unique=True))
        found["out_of_range"] = [draw(beyond(name, source)) for name in names]
    return found


@st.composite
def given(draw, source, cases):
    """Cases that are not drawn, and the splits that go with them."""
    columns = {}
    for name, value in source.items():
        match value:
            case list() if name in SPANS and value[0] < value[1]:
                one = numbers(*value)
            case {"range": [low, high]} if low < high:
                one = numbers(low, high)
            case {"values": values} if len(values) > 1:
                one = st.sampled_from(values)
            case list() if name == "m" and len(value) > 1:
                one = st.sampled_from(value)
            case _:
                continue
        columns[name] = draw(st.lists(one, min_size=cases, max_size=cases))
    return {"given": columns, "split": [1.0, 0.0, 0.0], "sampler": "random"}


@st.composite
def beyond(draw, name, source):
    """An out-of-range set."""
    keys = [name for name in source if name in SPANS or name == "m"]
    jet = any(name in source for name in JET)
    found = {"name": name, "share": draw(st.sampled_from([0.01, 0.5, 1.0]))}
    for name in draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2, unique=True)):
        found[name] = [draw(st.integers(-4, 4))] if name == "m" else draw(parameter(name, jet))
    return found


BESIDE = "be\nside"  # a key that no table has
ODD = [
    *(True, False, -1, 0, 1, 7, 10**9, 2**63, 2**64, -(2**70), 10**400),
    *(0.0, -0.0, 0.5, 1.5, 1e-320, -1e-9, 1e6, 1e308, -1e308, math.nan, math.inf, -math.inf),
    *("", "cut-on", "test", "1/0", "mach^mach", "1/sound_speed_ratio^2", "ß", "x" * 300, "single", "\x07"),
    *([], [[]], [1], [0.0, 1.0], [1.0, 0.0], [0.5, 0.5], [0.1, 0.2, 0.7], [-1e6, 1e6, 8], [0.0, 1.0, 10**9], [True]),
    *({}, {"values": []}, {"values": [0.5, 0.25]}, {"range": [0.0, 1.0], "scale": "log"}, {"scale": "log"}, {"a": 1}),
    datetime.date(1999, 1, 1),
    datetime.datetime(1999, 1, 1, 12, 30),
]


def paths(content, before=()):
    """Places of every value in a recipe, tables and lists among them."""
    items = content.items() if isinstance(content, dict) else enumerate(content)
    for key, value in items:
        yield (*before, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*before, key))


def changed(content, path, act, value):
    """A recipe with one value replaced, deleted, or added beside it."""
    if not path:
        return value
    found = dict(content) if isinstance(content, dict) else list(content)
    if len(path) > 1:
        found[path[0]] = changed(found[path[0]], path[1:], act, value)
    elif act == "replace":
        found[path[0]] = value
    elif act == "delete":
        del found[path[0]]
    elif isinstance(found, list):
        found.append(value)
    else:
        found[BESIDE] = value
    return found


@st.composite
def faults(draw, content):
    """One change of a recipe: path, act, value."""
    path = draw(st.sampled_from(list(paths(content))))
    act = draw(st.sampled_from(["replace"] * 4 + ["delete", "add"]))
    return path, act, draw(st.sampled_from(ODD))
