"""HTML reports: one file that needs no other; the findings come first."""

import base64
import datetime
import html
import importlib.metadata
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .words import number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
@media(max-width:40rem){figure img{max-width:none;width:44rem}}
@media print{body{max-width:none}}
"""


def table(head: Sequence[str], rows: Mapping[str, Sequence[float]], networks: Sequence[str] = ()) -> str:
    """A table of numbers by method; the smallest of each column stands out, and so do the rows of the networks."""
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


def facts(values: Mapping[str, Any]) -> str:
    """A table of names and texts."""
    rows = "".join(
        f"<tr><td>{html.escape(key)}</td><td>{html.escape(str(text))}</td></tr>" for key, text in values.items()
    )
    return f'<table class="facts">{rows}</table>'


def versions() -> dict[str, str]:
    """Versions of the libraries that computed a report, and the date."""
    found = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("torch", "numpy", "scipy"))
    from wavenet import __version__

    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {"versions": f"wavenet {__version__}, {found}", "date": now}


def picture(image: "Figure | bytes", caption: str, alt: str) -> str:
    """A matplotlib figure, or the bytes of a PNG, with its caption and words for those who do not see it."""
    if not isinstance(image, bytes):
        buffer = io.BytesIO()
        image.savefig(buffer, format="png", dpi=110)
        image = buffer.getvalue()
    source = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    return (
        f'<figure><div class="scroll"><img alt="{html.escape(alt)}" src="{source}"></div>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def page(title: str, paragraphs: Sequence[str], parts: Sequence[str]) -> str:
    """One self-contained page: title, verdict (the first paragraph), the rest. Its policy forbids any request."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    verdict, *rest = paragraphs
    more = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in rest)
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
