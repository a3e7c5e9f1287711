"""Tables of results: printed as text, as Markdown, or as records for pandas."""

import math
from dataclasses import dataclass

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """A table of texts and numbers.

    head : names of the columns. rows : cells of each row, None where there is no value.

    >>> print(Table(("method", "u, median"), (("net", 2.04e-7), ("order 8", 5e-3))))
    method   u, median
    net        2.0e-07
    order 8    5.0e-03
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __str__(self) -> str:
        lines = [self.head, *(tuple(map(_text, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        left = [all(isinstance(cell, str) for cell in column) for column in zip(*self.rows, strict=True)]
        left = left or [True] * len(self.head)
        return "\n".join(
            "  ".join(
                cell.ljust(width) if first else cell.rjust(width)
                for cell, width, first in zip(line, widths, left, strict=True)
            ).rstrip()
            for line in lines
        )

    def records(self) -> list[dict[str, Cell]]:
        """One dict a row, by the names of the columns; `pandas.DataFrame` takes them."""
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]

    def markdown(self) -> str:
        """The table in Markdown."""
        lines = [self.head, ("---",) * len(self.head), *(tuple(map(_text, row)) for row in self.rows)]
        return "\n".join(f"| {' | '.join(cell.replace('|', '∣') for cell in line)} |" for line in lines)


def _text(cell: Cell) -> str:
    """Two digits of a float; integers and texts as they are."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return f"{cell:.1e}" if math.isfinite(cell) else str(cell)
    return str(cell)
