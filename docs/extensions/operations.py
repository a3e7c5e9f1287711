"""The operations that RAP knows, by their rules, made from `wavenet.rap`: `table` as Markdown, and the directive
`rap-operations`.

The first column is the name of the rule, as `LayerRelevance.kind` has it; what the rule does is the first sentence of
its docstring. Names are those of functions in torch and torch.nn.functional, of methods, and of operators.
"""

import inspect

from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from wavenet.rap import decompositions, operations
from wavenet.rap.rules import RULES, spectra, weights


def sentence(documented):
    """First sentence of a docstring, with formulas as code."""
    text = " ".join(inspect.getdoc(documented).partition("\n\n")[0].split())
    return text.partition(". ")[0].rstrip(".").replace("|", "∣").replace("*", r"\*")


def rules():
    """{kind: (what the rule does, names of operations)}."""
    known = {}
    for name, kind in operations.KINDS.items():
        documented = RULES.get(kind, spectra if kind == "spectrum" else weights)
        known.setdefault(kind, (sentence(documented), []))[1].append(name)
    return known


def table():
    """All operations: those with a rule, those recorded as what they consist of, constants and refused ones."""
    rows = [(kind, what, sorted(names)) for kind, (what, names) in rules().items()]
    parts = [*decompositions.FUNCTIONS, *(module.__name__ for module in decompositions.MODULES)]
    rows.append(("–", "Recorded as the simpler operations that they consist of", sorted(parts)))
    rows.append(
        (
            "–",
            "Constants, without relevance: they depend on values not at all, or in steps",
            sorted(operations.CONSTANT),
        )
    )
    rows.append(
        (
            "–",
            "Refused: what is computed from a result that is no tensor cannot be traced back",
            sorted(operations.LEAVING),
        )
    )
    lines = ["| rule | what it does | operations |", "|---|---|---|"]
    return [*lines, *(f"| {kind} | {what} | {' '.join(f'`{name}`' for name in names)} |" for kind, what, names in rows)]


class Operations(Directive):
    """The table."""

    def run(self):
        from docutils import nodes

        found = nodes.container(classes=["rap-operations"])
        self.state.nested_parse(StringList(table(), source="rap-operations"), 0, found)
        return [found]


def setup(app):
    """Register the directive."""
    app.add_directive("rap-operations", Operations)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
