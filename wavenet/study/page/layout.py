"""The page's HTML: controls and panels. What they show comes later, from `parts`."""

import json
from html import escape

from . import query

TITLE = "wavenet explore: sound from an open duct"
_SLIDERS = {  # of numbers with a natural range: from, to, step
    "m": (0, 20, 1),
    "n": (0, 8, 1),
    "helmholtz": (0.5, 30, 0.1),
    "hub": (0, 0.9, 0.01),
    "mach": (-0.9, 0.9, 0.01),
    "kutta": (0, 1, 0.01),
    "resistance": (0.05, 5, 0.05),
    "reactance": (-5, 5, 0.05),
    "liner_length": (0.1, 3, 0.05),
    "thickness": (0.01, 0.3, 0.01),
}
SLIDERS = tuple(_SLIDERS)
LABELS = {  # symbol, words, unit
    "m": ("m", "azimuthal order", ""),
    "n": ("n", "radial order", ""),
    "helmholtz": ("ka", "Helmholtz number", ""),
    "frequency": ("f", "frequency", "Hz"),
    "radius": ("a", "duct radius", "m"),
    "temperature": ("T", "temperature", "°C"),
    "hub": ("h", "hub radius", "a"),
    "mach": ("M", "Mach number", ""),
    "mach_outer": ("M₂", "Mach number outside", ""),
    "sound_speed_ratio": ("c₂/c", "sound speed outside over inside", ""),
    "density_ratio": ("ρ₂/ρ", "density outside over inside", ""),
    "kutta": ("Γ", "Kutta parameter", ""),
    "resistance": ("Re Z", "resistance", "ρc"),
    "reactance": ("Im Z", "reactance", "ρc"),
    "liner_length": ("ℓ", "length", "a"),
    "liner_distance": ("d", "distance to the lip", "a"),
    "thickness": ("t", "thickness", "a"),
    "x": ("x", "axial", "a"),
    "r": ("r", "radial", "a"),
}
_SHOWN_WHEN = {"jet": "flow=jet", "liner": "wall=lined", "thick": "wall=thick"}
_CHOICES = {
    "flow": "Flow",
    "growing": "Growing wave of the jet",
    "wall": "Wall",
    "lip": "Shape of the lip",
    "surface_wave": "Surface wave, for Im Z > 0 in flow",
    "time": "Time factor of Z",
    "quantity": "Quantity in the near field",
    "sound": "Sound of the far field",
    "velocity": "Velocity of the surrogate",
}
FORMATS = ("PNG", "SVG", "CSV", "HDF5")


def page() -> str:
    """The whole page."""
    start = query.CHOSEN | query.DEFAULTS
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{TITLE}</title>
<link rel="icon" href="/assets/icon.svg"><link rel="stylesheet" href="/assets/style.css">
<script>document.documentElement.dataset.theme = localStorage.getItem("theme") || ""</script>
</head>
<body>
<a class="skip" href="#main" id="skip">Skip to the pictures</a>
<header>
<h1>Sound from an open duct</h1>
<p>Wiener–Hopf solution and its neural surrogates, mode by mode</p>
<button type="button" id="theme-button">Theme: auto</button>
</header>
<div class="bench">
<aside aria-label="Controls"><form id="controls" autocomplete="off">{_controls()}</form></aside>
<main id="main" tabindex="-1">{_panels()}</main>
</div>
<script id="start" type="application/json">{json.dumps(start)}</script>
<script src="/plotly.js" defer></script><script type="module" src="/assets/page.js"></script>
</body>
</html>
"""


def _controls() -> str:
    row = '<div class="three">{}</div>'
    si = row.format("".join(_number(name, terse=True) for name in ("frequency", "radius", "temperature")))
    outer = row.format(
        "".join(_number(name, terse=True) for name in ("mach_outer", "sound_speed_ratio", "density_ratio"))
    )
    jet = (
        _number("kutta")
        + "<p>Outside: Mach number; sound speed and density over the jet's</p>"
        + outer
        + "<p>Growing wave</p>"
        + _choice("growing")
    )
    liner = (
        _number("resistance")
        + _number("reactance")
        + _number("liner_length")
        + _number("liner_distance")
        + "<p>Z is given for</p>"
        + _choice("time")
        + "<p>Surface wave, if Im Z &gt; 0 in flow</p>"
        + _choice("surface_wave")
    )
    thick = _choice("lip") + _number("thickness")
    of_many = "<p>Far field of this mode, or of all that are cut on, with</p>"
    pictures = _choice("quantity") + of_many + _choice("sound")
    point = '<div class="two">{}</div>'.format("".join(_number(name, terse=True) for name in ("x", "r")))
    hint = "<p>Or click on a field. Relevance shows what the velocity there is read from.</p>"
    return (
        _group("Incident mode", _number("m") + _number("n") + _number("helmholtz") + si + _number("hub"))
        + _group("Flow", _choice("flow") + _number("mach") + _when("jet", jet))
        + _group("Wall", _choice("wall") + _when("liner", liner) + _when("thick", thick))
        + _group("Pictures", pictures)
        + _group("Surrogate and relevance", _choice("velocity") + point + hint)
        + _group("Two cases", '<button type="button" id="hold" aria-pressed="false">Hold this case</button>'
                 '<p id="held">Its far field stays in the picture, under that of the next case.</p>')
    )  # fmt: skip


def _when(name: str, content: str) -> str:
    """Controls that are there for one choice only."""
    return f'<div id="{name}" class="more" data-when="{_SHOWN_WHEN[name]}" hidden>{content}</div>'


def _group(title: str, content: str) -> str:
    return f"<fieldset><legend>{title}</legend>{content}</fieldset>"


def _number(name: str, terse: bool = False) -> str:
    """A labelled number, with a slider where its range is a natural one; if terse, the words are for screen readers."""
    symbol, words, unit = LABELS[name]
    shown = f'<span class="unit">[{unit}]</span>' if unit else ""
    label = (
        f'<label for="{name}"><span class="symbol">{symbol}</span> '
        f'<span class="{"unseen" if terse else ""}">{words}</span> {shown}</label>'
    )
    value = escape(query.DEFAULTS[name])
    mode = "numeric" if name in ("m", "n") else "decimal"
    number = f'<input id="{name}" name="{name}" type="text" inputmode="{mode}" value="{value}" spellcheck="false">'
    if name not in _SLIDERS:
        return f'<div class="control">{label}{number}</div>'
    low, high, step = _SLIDERS[name]
    slider = (
        f'<input id="{name}-slider" type="range" min="{low}" max="{high}" step="{step}" value="{value}" '
        f'aria-label="{symbol} {words}, slider">'
    )
    return f'<div class="control slides">{label}{number}{slider}</div>'


def _choice(name: str) -> str:
    """Buttons, one of which is pressed."""
    buttons = "".join(
        f'<button type="button" id="{name}-{value}" data-name="{name}" data-value="{value}" '
        f'aria-pressed="{str(value == query.CHOSEN[name]).lower()}">{text}</button>'
        for value, text in query.CHOICES[name].items()
    )
    return f'<div class="choice" role="group" aria-label="{_CHOICES[name]}">{buttons}</div>'


def _panels() -> str:
    tiles = (
        _tile("reflection-tile", "Reflection |R|")
        + _tile("radiated", "Radiated power")
        + _tile("loudest", "Loudest")
        + _tile("end-correction", "End correction")
        + _tile("residual", "Power balance")
        + _tile("error-estimate", "Solver's error estimate")
    )
    orders = (
        '<section class="panel narrow"><h2>Reflection into radial orders</h2>'
        '<span id="reflection-note" class="note"></span>'
        '<div id="reflection" tabindex="0" role="region" aria-label="Table of reflections"></div>'
        '<div id="shares"></div></section>'
    )
    return (
        '<div id="message" role="status" aria-live="polite"></div>'
        + f'<div class="tiles">{tiles}</div><div class="panels">'
        + _panel("field", "Near field", "wide")
        + _panel("relevance", "Relevance", "narrow")
        + _panel("directivity", "Far field", "wide")
        + orders
        + _panel("derivative", "Velocity by the constrained network", "full")
        + _lines()
        + "</div>"
    )


def _tile(name: str, title: str) -> str:
    return f'<div class="tile"><h2>{title}</h2><div id="{name}">–</div></div>'


def _panel(name: str, title: str, width: str) -> str:
    """A picture with its title, a note, and its files."""
    files = "".join(
        f'<button type="button" class="file" data-figure="{name}" data-format="{form}" '
        f'aria-label="{title} as {form}">{form}</button>'
        for form in FORMATS
    )
    return (
        f'<figure class="panel {width}"><figcaption><h2>{title}</h2><span class="files">{files}</span>'
        f'<span id="{name}-note" class="note"></span></figcaption>'
        f'<div id="{name}" class="graph" role="img" aria-label="{title}" aria-describedby="{name}-note"></div></figure>'
    )


def _lines() -> str:
    """The command and the Python lines."""
    return (
        '<section class="panel full"><h2>The same elsewhere</h2>'
        '<p class="note">The address of this page holds all that is set here: a copy of it shows the same.</p>'
        '<div class="lines"><pre tabindex="0" aria-label="Command"><code id="command-line"></code></pre>'
        '<button type="button" data-copy="command-line">Copy command</button></div>'
        '<div class="lines"><pre tabindex="0" aria-label="Python"><code id="python-lines"></code></pre>'
        '<button type="button" data-copy="python-lines">Copy Python</button></div></section>'
    )
