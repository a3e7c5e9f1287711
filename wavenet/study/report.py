"""HTML reports: one file that needs no other, with what was found in its first sentences."""

import base64
import datetime
import html
import importlib.metadata
import io
from collections.abc import Callable

import numpy as np

_ALIKE = 1.2  # ratio of medians up to which two methods are as good as each other
_SMALLER = 10.0  # ratio from which the solver's error does not matter
_SLACK = 0.01  # of a range, beyond which it is left
_SYMBOLS = {"helmholtz": "ka", "mach": "M"}
_DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STYLE = """
:root{color-scheme:light dark;--ink:#1d2329;--soft:#59636e;--paper:#fff;--line:#d5dae0;--tint:#eef3f8;--accent:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8ec;--soft:#9aa5b1;--paper:#14181c;--line:#343c45;--tint:#1d252d;
--accent:#7db7f0}}
*{box-sizing:border-box}
body{font:16px/1.55 system-ui,sans-serif;max-width:62rem;margin:2rem auto 4rem;padding:0 1rem;color:var(--ink);
background:var(--paper)}
h1{font-size:1.45rem;line-height:1.25;margin:0 0 .8rem}h2{font-size:1.1rem;margin:2.2rem 0 .6rem}
a{color:var(--accent)}
.verdict{font-size:1.15rem;background:var(--tint);border-left:4px solid var(--accent);padding:.8rem 1rem;
margin:0 0 1rem}
.scroll{overflow-x:auto;margin-bottom:1rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.3rem .65rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;white-space:nowrap}
td:first-child,th:first-child{text-align:left}thead th{color:var(--soft);font-weight:600}
tr.network td{background:var(--tint)}td.best{font-weight:700}
table.facts td{text-align:left;white-space:normal;overflow-wrap:anywhere}table.facts td:first-child{color:var(--soft);
white-space:nowrap}
figure{margin:1.4rem 0}figcaption{color:var(--soft);font-size:.92rem;margin-top:.4rem}
img{max-width:100%;height:auto;display:block;background:#fff;border-radius:4px}
@media print{body{max-width:none}}
"""


def number(value):
    """Two digits, for people.

    >>> number(2.94e-7), number(0.19), number(1.0), number(23.4), number(4500)
    ('2.9 × 10⁻⁷', '0.19', '1.0', '23', '4.5 × 10³')
    """
    if not np.isfinite(value) or value == 0:
        return f"{value:g}"
    if 1e-2 <= abs(value) < 99.5:
        return f"{value:#.2g}".removesuffix(".")
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_DIGITS)}"


def times(ratio):
    """A ratio above one, to two digits.

    >>> times(1.234), times(23456.7)
    ('1.2', '23,000')
    """
    return f"{float(f'{ratio:.2g}'):,g}" if ratio < 1e6 else number(ratio)


def listed(parts):
    """Words joined as in a sentence."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def verdict(errors, places, *, others, solver, ranges, columns):
    """What a comparison found, in sentences made from its numbers alone.

    Parameters
    ----------
    errors : dict of dict of (case,) arrays
        Relative errors of each quantity by method; the first method is the network.
    places : list of str
        What each case is.
    others : str
        What the other methods are, in the singular.
    solver : float
        Largest error estimate of the solution that all are compared with.
    ranges : dict
        Least and largest value of each column in the training; may be empty.
    columns : dict of (case,) arrays

    Returns
    -------
    list of str
        Who is best and by how much; case by case and the worst; inside of the training or not; the solver's own error.
    """
    network, *rest = errors
    own, quantities = errors[network], list(errors[network])
    medians = {method: {q: float(np.median(values)) for q, values in of.items()} for method, of in errors.items()}
    best = {q: min(rest, key=lambda method: medians[method][q]) for q in quantities}
    ratios = {q: medians[best[q]][q] / medians[network][q] for q in quantities}
    low, high = min(ratios.values()), max(ratios.values())
    if low > _ALIKE:
        lead = f"The network “{network}” is the best of {len(errors)} methods"
    elif low >= 1 / _ALIKE:
        lead = f"The network “{network}” is {'as' if high <= _ALIKE else 'at least as'} good as the best {others}"
    elif high <= _ALIKE:
        lead = f"The network “{network}” loses to the best {others}"
    else:
        lead = f"Neither the network “{network}” nor any {others} is the best in everything"
    parts = []
    for q, ratio in ratios.items():
        if ratio > _ALIKE:
            how = f"{times(ratio)} times less than"
        elif ratio < 1 / _ALIKE:
            how = f"{times(1 / ratio)} times as much as"
        else:
            how = "about as much as"
        parts.append(f"{number(medians[network][q])} of {q}, {how} by {best[q]} ({number(medians[best[q]][q])})")
    first = f"{lead}: its median relative error is {'; and '.join(parts)}."
    won = np.all([[own[q] < errors[method][q] for method in rest] for q in quantities], axis=(0, 1))
    worst_of = np.max([own[q] for q in quantities], axis=0)
    worst = int(np.argmax(worst_of))
    second = (
        f"It is better than every {others} in {int(np.sum(won))} of {len(won)} test cases; its worst one, "
        f"{places[worst]}, has the error {number(worst_of[worst])}."
    )
    typical = min(medians[network].values())
    fourth = f"The Wiener–Hopf solution's own error estimate is at most {number(solver)}"
    if solver * _SMALLER <= typical:
        fourth += ", small against that."
    else:
        fourth += ": the network's error is not much larger, and the true one may be another."
    return [first, second, _inside(ranges, columns), fourth]


def _inside(ranges, columns):
    if not ranges:
        return "The run does not say in which ranges it was trained."
    outside = np.zeros(len(next(iter(columns.values()))), dtype=bool)
    for name, values in columns.items():
        low, high = ranges[name]
        slack = _SLACK * (high - low)
        outside |= (values < low - slack) | (values > high + slack)
    words = ", ".join(
        f"{_SYMBOLS.get(name, name)} = {low:.4g}" + (f" … {high:.4g}" if high > low else "")
        for name, (low, high) in ranges.items()
    )
    if not np.any(outside):
        return f"All test cases are within the ranges of the training ({words})."
    return f"{int(np.sum(outside))} of {len(outside)} test cases are outside of the ranges of the training ({words})."


def error_table(errors):
    """Median, 95th percentile and largest error of each method; the smallest of each column stands out."""
    statistics: dict[str, Callable] = {
        "median": np.median,
        "95 %": lambda values: np.percentile(values, 95),
        "worst": np.max,
    }
    network, *_ = errors
    head = ["relative L2 error", *(f"{q}, {name}" for q in errors[network] for name in statistics)]
    rows = {
        method: [float(statistic(values)) for values in of.values() for statistic in statistics.values()]
        for method, of in errors.items()
    }
    return table(head, rows, networks=(network,))


def table(head, rows, networks=()):
    """A table of numbers by method; the smallest of each column stands out."""
    least = np.min(list(rows.values()), axis=0)
    lines = []
    for method, values in rows.items():
        cells = "".join(
            f"<td{' class=best' if value <= low else ''}>{number(value)}</td>"
            for value, low in zip(values, least, strict=True)
        )
        kind = " class=network" if method in networks else ""
        lines.append(f"<tr{kind}><td>{html.escape(method)}</td>{cells}</tr>")
    top = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def facts(values):
    """A table of what belongs to what."""
    rows = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(str(text))}</td></tr>" for key, text in values.items()
    )
    return f'<table class="facts">{rows}</table>'


def versions():
    """Of what computed a report, and when."""
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy", "scipy"))
    from wavenet import __version__

    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"versions": f"wavenet {__version__}, {found}", "date": now}


def picture(image, caption, alt):
    """A matplotlib figure, or the bytes of a PNG, with its caption and words for those who do not see it."""
    if not isinstance(image, bytes):
        buffer = io.BytesIO()
        image.savefig(buffer, format="png", dpi=110)
        image = buffer.getvalue()
    source = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    return (
        f'<figure><img alt="{html.escape(alt)}" src="{source}"><figcaption>{html.escape(caption)}</figcaption></figure>'
    )


def page(title, sentences, parts):
    """One self-contained page: title, verdict, the rest. The browser is told to ask nobody for anything."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    verdict, *rest = sentences
    more = f"<p>{html.escape(' '.join(rest))}</p>" if rest else ""
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{html.escape(title)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p class="verdict">{html.escape(verdict)}</p>
{more}
{body}
</body>
</html>
"""
