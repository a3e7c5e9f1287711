"""Sphinx extension: formulas as MathML, which browsers render themselves.

The pages need no script for it. docutils translates the TeX; unknown TeX causes a warning, and a build with -W fails.
"""

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util import logging

_log = logging.getLogger(__name__)


def _mathml(self, node, *, block):
    try:
        return tex2mathml(node.astext(), as_block=block)
    except MathError as error:
        _log.warning("formula %r: %s", node.astext(), error, location=node)
        return f"<code>{self.encode(node.astext())}</code>"


def inline(self, node):
    """Write an inline formula."""
    self.body.append(_mathml(self, node, block=False))
    raise nodes.SkipNode


def display(self, node):
    """Write a displayed formula, with its number if it has one."""
    self.body.append(self.starttag(node, "div", CLASS="math"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({node["number"]})</span>')
    self.body.append(f"{_mathml(self, node, block=True)}</div>\n")
    raise nodes.SkipNode


def setup(app):
    """Register the renderer as `native`."""
    app.add_html_math_renderer("native", (inline, None), (display, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
