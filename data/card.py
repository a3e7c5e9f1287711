"""The card of a dataset: a readable summary of its content and origin."""

import numpy as np

from . import tasks
from .arrays import Array, IntArray
from .layout import FORMAT
from .read import About, Dataset
from .task import uniform_flow

# Parameters of jets, and their headings.
_JETS = {
    "mach_outer": "M outside",
    "sound_speed_ratio": "sound speed ratio",
    "density_ratio": "density ratio",
    "kutta": "Kutta parameter",
}
_MORE = {
    "resistance": "resistance",
    "reactance": "reactance",
    "liner_length": "liner length",
    "liner_distance": "liner to lip",
    "lip_thickness": "thickness",
    "lip_aspect": "length/thickness",
}


def card(dataset: Dataset, name: str, picture: str) -> str:
    """Write the card as Markdown.

    dataset : data.read.Dataset, which may lack its fields. name, picture : names of the dataset's file and its picture.
    """
    about, arrays = dataset.about, dataset.arrays
    m = sorted(set(arrays["m"].tolist()))
    more = _more_parameters(arrays)
    task = tasks.get(about.task)
    kind = task.description
    lines = [
        f"# {name}",
        "",
        f"{len(dataset)} {kind} of sound leaving an open duct, by {task.method}. HDF5, format {FORMAT}; opens",
        'with `xarray.open_dataset(name, engine="h5netcdf")`, h5py, or `data.read`.',
        "",
        f"![Parameters of the cases]({picture})",
        "",
        "| " + " | ".join(["set", "cases", "m", "n or orders", "ka", "M", *more.values()]) + " |",
        "|" + (6 + len(more)) * "---|",
    ]
    for index, split in enumerate(about.splits):
        chosen = np.flatnonzero(arrays["split"] == index)
        if not len(chosen):
            lines.append(f"| {split} | 0 |" + (4 + len(more)) * " |")
            continue
        orders = _list(sorted(set(arrays["m"][chosen].tolist()))), _orders(arrays, chosen)
        ranges = [_range(arrays[name][chosen]) for name in ("helmholtz", "mach", *more)]
        lines.append("| " + " | ".join([split, str(len(chosen)), *orders, *ranges]) + " |")
    lines += ["", f"Azimuthal orders in all: {_list(m)}. Largest error estimate: {arrays['error_estimate'].max():.1e}."]
    lines += ["", _missing(about), "", "| array | dimensions | units | meaning |", "|---|---|---|---|"]
    for key, variable in task.variables.items():
        lines.append(f"| `{key}` | {', '.join(variable.dimensions)} | {variable.units} | {variable.long_name} |")
    if about.scales:
        lines += ["", "| field, training cases | root mean square of the modulus | largest part |", "|---|---|---|"]
        for key in task.fields:
            lines.append(f"| `{key}` | {about.scales[key][0]:.6g} | {about.scales[key][1]:.6g} |")
    of = about.provenance
    lines += [
        "",
        f"Recipe `{of['recipe_name']}`, seed {of['seed']}; {of['versions']}; commit {of['commit']}; tolerance of the",
        f"solver {of['solver_tolerance']:g}. The file holds the recipe's text and the conventions.",
        f"Content `{of['content_hash']}`.",
        "",
    ]
    return "\n".join(lines)


def _more_parameters(arrays: dict[str, Array]) -> dict[str, str]:
    """Columns of hubs, jets, liners and lips, if there are any, and their headings."""
    found = {"hub": "hub radius"} if np.any(arrays["hub"]) else {}
    flow = uniform_flow(arrays["mach"])
    jets = any(not np.array_equal(arrays[name], flow[name]) for name in _JETS)
    return found | (_JETS if jets else {}) | {name: text for name, text in _MORE.items() if name in arrays}


def _missing(about: About) -> str:
    if not about.missing:
        return "No case of the recipe is missing."
    reasons = [record["reason"] for record in about.missing]
    parts = [f"{reasons.count(reason)} × {reason}" for reason in sorted(set(reasons))]
    return f"{len(reasons)} cases of the recipe are missing (group `missing`): " + "; ".join(parts) + "."


def _orders(arrays: dict[str, Array], chosen: IntArray) -> str:
    if "n" in arrays:
        return _list(sorted(set(arrays["n"][chosen].tolist())))
    if "amplitude" not in arrays:
        return ""
    return f"{int(np.any(arrays['amplitude'][chosen], axis=2).sum(axis=1).max())} at most together"


def _list(values: list[int]) -> str:
    if len(values) > 2 and values == list(range(values[0], values[-1] + 1)):
        return f"{values[0]} … {values[-1]}"
    return ", ".join(map(str, values))


def _range(values: Array) -> str:
    low, high = float(values.min()), float(values.max())
    return f"{low:.4g}" if low == high else f"{low:.4g} … {high:.4g}"
