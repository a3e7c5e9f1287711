"""Types in signatures by the names that the code has for them: numpy's expand to lines that nobody reads."""

import re

from docutils import nodes
from sphinx import addnodes

_ARRAY = r"(?:numpy\.)?ndarray\[tuple\[Any, \.\.\.\], dtype\[{}\]\]"
_LIKE = (
    "_Buffer | _SupportsArray[dtype[Any]] | _NestedSequence[_SupportsArray[dtype[Any]]] | complex | bytes | str | "
    "_NestedSequence[complex | bytes | str]"
)
NAMES = {
    re.escape(_LIKE): "ArrayLike",
    _ARRAY.format("float64"): "FloatArray",
    _ARRAY.format("complex128"): "ComplexArray",
    _ARRAY.format("bool"): "BoolArray",
    _ARRAY.format("(?:int64|integer)"): "IntArray",
    _ARRAY.format(r"floating\[Any\]"): "Reals",
    _ARRAY.format("(?:Any|_ScalarT)"): "Array",
}
_TYPED = (addnodes.desc_parameter, addnodes.desc_returns, addnodes.desc_annotation)


def named(text):
    """A signature's text with types by their names.

    >>> named("x: ndarray[tuple[Any, ...], dtype[float64]] | None = None")
    'x: FloatArray | None = None'
    """
    text = re.sub(r"~(?:\w+\.)+", "", text)  # modules, where Sphinx has not read the signature
    for pattern, name in NAMES.items():
        text = re.sub(pattern, name, text)
    return text


def before_parsing(app, what, name, obj, options, signature, returns):
    """Functions that are defaults by their names, since Sphinx reads signatures as Python."""
    clean = None if signature is None else re.sub(r"<(?:function|class) '?(?:[\w.]+\.)?(\w+)'?[^>]*>", r"\1", signature)
    return clean, returns


def transform(app, domain, objtype, content):
    """Replace what was parsed of a signature."""
    for signature in content.parent.findall(addnodes.desc_signature):
        for part in list(signature.findall(lambda node: isinstance(node, _TYPED))):
            text = part.astext()
            if named(text) != text:
                part.children = []
                part += nodes.Text(named(text))


def setup(app):
    """Called by Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("autodoc-process-signature", before_parsing)
    app.connect("object-description-transform", transform)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
