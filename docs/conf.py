"""The documentation: `make docs` builds it in build/docs, without network access."""

import re
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "extensions"))
sys.path.insert(0, str(HERE.parent))

project = "wavenet"
author = "the wavenet developers"
copyright = author
version = release = metadata.version("wavenet")

extensions = [
    "myst_parser",
    "native_math",
    "operations",
    "rooms",
    "signatures",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["extensions", "**sg_execution_times.rst"]

# Pages
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
html_math_renderer = "native"
highlight_language = "text"
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = True

# Look
html_theme = "furo"
html_title = "wavenet"
html_static_path = ["static"]
html_css_files = ["wavenet.css"]
html_show_sourcelink = False
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Docstrings: numpydoc; single backticks link to an object if there is one, and are code otherwise
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
maximum_signature_line_length = 100
autodoc_inherit_docstrings = False  # torch's docstring of forward would be shown for every network
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_use_rtype = False
default_role = "py:obj"
nitpicky = True
suppress_warnings = ["ref.python"]  # a parameter in single backticks that has the name of attributes elsewhere
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    ("py:class", ".*"),  # types in docstrings are prose: "(case,) float array"
    ("py:exc", ".*"),
]

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "gallery",
    "filename_pattern": "/plot_",
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,  # its page loads scripts from other sites
    "abort_on_example_error": True,
    "remove_config_comments": True,
}

_MARKUP = re.compile(r"[|*]")
_COLON = "\ue000"  # replaces a colon, which napoleon takes as the end of a property's type


def before_napoleon(app, what, name, obj, options, lines):
    """Escape bars and stars of formulas in docstrings, which are not markup, except within backticks."""
    for index, line in enumerate(lines):
        parts = line.split("`")
        parts[::2] = [_MARKUP.sub(r"\\\g<0>", part) for part in parts[::2]]
        lines[index] = "`".join(parts).replace(":", _COLON if what == "property" else ":")


def after_napoleon(app, what, name, obj, options, lines):
    """Put the colons back."""
    lines[:] = [line.replace(_COLON, ":") for line in lines]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", before_napoleon, priority=1)
    app.connect("autodoc-process-docstring", after_napoleon, priority=999)
