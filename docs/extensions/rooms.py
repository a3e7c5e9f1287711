"""Sphinx extension: a picture of the rooms of the code, and of the imports between them.

A room is a package of the distribution, a sub-package of it, or a module directly in `wavenet`. The directive

    ```{rooms}
    a sketch in plain text, for readers of the source and of screens
    ```

reads the imports from the source when the pages are built, and draws an SVG. Imports within functions count as well. An
arrow that closes a circle of rooms is dashed.
"""

import ast
import html
import importlib.util
import textwrap
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

PACKAGES = ("analytic", "data", "wavenet")
ABOVE_ALL = ("wavenet.study", "wavenet.cli")  # the rooms where all packages meet: as wide as the picture
WIDTH, HEIGHT, GAP, RISE, MARGIN = 104, 42, 14, 52, 12  # of a box, between boxes, between rows, of a frame [px]
LETTERS = 110  # of the line below the name in the wide boxes


def source_of(package):
    """Folder of an import package, which is not imported."""
    return Path(importlib.util.find_spec(package).origin).parent


def modules():
    """{module: path} of the three packages."""
    found = {}
    for package in PACKAGES:
        folder = source_of(package)
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module, known):
    """Room that a module is in."""
    parts = module.split(".")
    room = ".".join(parts[:2])
    is_package = room in known and known[room].name == "__init__.py"
    return room if len(parts) > 1 and (is_package or parts[0] == "wavenet") else parts[0]


def imported_modules(module, path, known):
    """(module, within a function) for what is imported from the three packages, annotations not counted."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            node.body = []
    delayed = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
    }
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *(node.module.split(".") if node.module else [])])
            names = [f"{base}.{alias.name}" for alias in node.names]
            names = [name if name in known else base for name in names]
        yield from ((name, node in delayed) for name in names if name.split(".")[0] in PACKAGES)


def imports():
    """{(room, imported room): whether it is imported within functions only}."""
    known, found = modules(), {}
    for module, path in known.items():
        for name, delayed in imported_modules(module, path, known):
            pair = room_of(module, known), room_of(name, known)
            if pair[0] != pair[1] and "wavenet" not in pair and pair[0] != "wavenet.__main__":
                found[pair] = found.get(pair, True) and delayed
    return found


def summaries():
    """{room: first line of its docstring}."""
    known = modules()
    rooms = sorted({room_of(module, known) for module in known} - {"wavenet", "wavenet.__main__"})
    lines = {room: ast.get_docstring(ast.parse(known[room].read_text(encoding="utf-8"))) or "" for room in rooms}
    return {room: text.partition("\n")[0].replace("`", "").strip() for room, text in lines.items()}


def reached(start, edges):
    """Rooms that a room imports, directly or through others."""
    found, todo = set(), [start]
    while todo:
        room = todo.pop()
        new = {to for origin, to in edges if origin == room} - found
        found |= new
        todo += new
    return found


def without_circles(edges):
    """Edges without those that close a circle, and those: imports within functions are the first to go."""
    kept, circular = set(), set()
    for edge in sorted(edges, key=lambda edge: (edges[edge], edge)):
        (circular if edge[0] in reached(edge[1], kept) else kept).add(edge)
    return kept, circular


def reduced(edges):
    """Edges that do not follow from others."""
    return {(a, b) for a, b in edges if b not in set().union(*(reached(c, edges) for x, c in edges if x == a))}


def levels(rooms, edges):
    """{room: row from the bottom}; a room stands above all it imports."""
    found = {}

    def level(room):
        if room not in found:
            found[room] = 1 + max((level(to) for origin, to in edges if origin == room), default=-1)
        return found[room]

    for room in rooms:
        level(room)
    top = 1 + max(found[room] for room in rooms if room not in ABOVE_ALL)
    return found | {room: top + place for place, room in enumerate(ABOVE_ALL)}


def places(rooms, edges):
    """{room: (x, y, width)} of the boxes and [(name, x, y, width, height)] of the packages' frames."""
    row_of, boxes, frames, left = levels(rooms, edges), {}, [], MARGIN
    floor = max(row_of[room] for room in rooms if room not in ABOVE_ALL)
    y_of = {room: MARGIN + (max(row_of.values()) - row) * (HEIGHT + RISE) for room, row in row_of.items()}
    for package in PACKAGES:
        inside = [room for room in rooms if room.split(".")[0] == package and room not in ABOVE_ALL]
        rows = [[room for room in inside if row_of[room] == row] for row in range(floor + 1)]
        width = max(len(row) for row in rows) * (WIDTH + GAP) - GAP
        for row in rows:
            start = left + MARGIN + (width - len(row) * (WIDTH + GAP) + GAP) / 2
            near = {room: _centre(room, edges, boxes) for room in row}
            for place, room in enumerate(sorted(row, key=lambda room: (near[room], room))):
                boxes[room] = (start + place * (WIDTH + GAP), y_of[room], WIDTH)
        top = min(y_of[room] for room in inside) - 28
        bottom = max(y_of[room] for room in inside) + HEIGHT + MARGIN
        frames.append((package, left, top, width + 2 * MARGIN, bottom - top))
        left += width + 3 * MARGIN
    for room in ABOVE_ALL:
        boxes[room] = (MARGIN, y_of[room], left - 2 * MARGIN)
    return boxes, frames


def _centre(room, edges, boxes):
    """Mean x of the boxes that a room imports and that have a place."""
    below = [boxes[to][0] for origin, to in edges if origin == room and to in boxes]
    return sum(below) / len(below) if below else 0.0


def _ends(edges, boxes):
    """{edge: (x at the importing box, x at the imported one)}, spread along the boxes so that arrows stay apart."""
    ends = {}
    for side in (0, 1):
        for room, (x, _, width) in boxes.items():
            if room in ABOVE_ALL:
                continue
            here = [edge for edge in edges if edge[side] == room]
            here.sort(key=lambda edge: boxes[edge[1 - side]][0] + boxes[edge[1 - side]][2] / 2)
            for place, edge in enumerate(here):
                ends[edge, side] = x + width * (place + 1) / (len(here) + 1)
    found = {}
    for edge in edges:
        top, bottom = ends.get((edge, 0)), ends.get((edge, 1))
        middle = boxes[edge[1]][0] + boxes[edge[1]][2] / 2
        bottom = bottom if bottom is not None else top if top is not None else middle
        found[edge] = (top if top is not None else bottom, bottom)
    return found


def _arrow(edge, ends, boxes, style):
    (x1, x2), upper, lower = ends, boxes[edge[0]][1], boxes[edge[1]][1]
    y1, y2 = (upper + HEIGHT, lower - 5) if upper < lower else (upper, lower + HEIGHT + 5)
    bend = (y2 - y1) / 2
    path = f"M{x1:.0f},{y1:.0f} C{x1:.0f},{y1 + bend:.0f} {x2:.0f},{y2 - bend:.0f} {x2:.0f},{y2:.0f}"
    title = f"<title>{edge[0]} imports {edge[1]}</title>"
    return f'<path class="{style}" d="{path}" marker-end="url(#rooms-{style})">{title}</path>'


def _box(room, place, summary):
    """A wide box has the room's summary below its name; the others have it when pointed at."""
    x, y, width = place
    wide = room in ABOVE_ALL
    name = room if wide else room.rpartition(".")[2]
    middle = x + width / 2
    text = [f'<text class="name" x="{middle:.0f}" y="{y + (18 if wide else 26):.0f}">{name}</text>']
    if wide:
        line = html.escape(textwrap.shorten(summary, LETTERS, placeholder=" …"))
        text.append(f'<text x="{middle:.0f}" y="{y + 34:.0f}">{line}</text>')
    title = f"<title>{room}: {html.escape(summary)}</title>"
    rect = f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{HEIGHT}" rx="6"/>'
    return f'<g data-room="{room}">{title}{rect}{"".join(text)}</g>'


def svg(description=""):
    """The picture."""
    about, every = summaries(), imports()
    edges, circular = without_circles(every)
    boxes, frames = places(sorted(about), edges)
    shown = reduced(edges)
    ends = _ends(shown | circular, boxes)
    parts = [
        f'<rect class="frame" x="{x}" y="{y:.0f}" width="{w}" height="{h:.0f}" rx="10"/>'
        f'<text class="package" x="{x + 12}" y="{y + 19:.0f}">{name}</text>'
        for name, x, y, w, h in frames
    ]
    parts += [_arrow(edge, ends[edge], boxes, "import") for edge in sorted(shown)]
    parts += [_arrow(edge, ends[edge], boxes, "delayed") for edge in sorted(circular)]
    parts += [_box(room, place, about[room]) for room, place in boxes.items()]
    width = max(x + w for x, _, w in boxes.values()) + MARGIN
    height = max(y + h for _, _, y, _, h in frames) + MARGIN
    heads = "".join(
        f'<marker id="rooms-{style}" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0,0 L10,5 L0,10 z"/></marker>'
        for style in ("import", "delayed")
    )
    return (
        f'<svg class="rooms" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{html.escape(description, quote=True)}"><defs>{heads}</defs>{"".join(parts)}</svg>'
    )


class Rooms(Directive):
    """The picture, for HTML; its description elsewhere."""

    has_content = True

    def run(self):
        description = "\n".join(self.content)
        picture = nodes.raw("", f'<div class="rooms">{svg(description)}</div>', format="html")
        return [picture]


def setup(app):
    """Register the directive."""
    app.add_directive("rooms", Rooms)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
