"""What passes between a dataset file and another format: arrays by the names of the format page, and their origin."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, ValidationError

from .. import layout, tasks
from ..arrays import Array, IntArray
from ..checking import About, check_values
from ..files import whole_file
from ..hdf5 import opened
from ..identity import content_hash
from ..journal import Missing
from ..layout import FORMAT, KIND, MISSING_COLUMNS, PROVENANCE
from ..read import read
from ..rounding import single
from ..shards import versions
from ..source import JET, Source
from ..summary import provenance, record_missing, write_identity, write_provenance, write_statistics
from ..task import TOLERANCE, Table, uniform_flow

ORIGIN = "origin"  # name of the text of `origin` in a format
_KEPT = tuple(name for name in PROVENANCE if name != "content_hash")  # which is that of the arrays


@dataclass(frozen=True)
class Content:
    """A dataset in memory, whole, on its way from one format to another.

    task : name of the task. arrays : all arrays of the task, by name. splits : names, in the order of the numbers in
    `split`. missing : records of the recipe's cases that are not in it. provenance : attributes of a dataset file, None
    if they are unknown. digest : content hash of the arrays when they were exported, None if unknown. misfits : largest
    relative misfits of fields that were fitted, None if nothing was.
    """

    task: str
    arrays: dict[str, Array]
    splits: tuple[str, ...] = layout.SPLITS
    missing: tuple[dict[str, Any], ...] = ()
    provenance: dict[str, Any] | None = None
    digest: str | None = None
    misfits: dict[str, float] | None = None

    def __len__(self) -> int:
        return len(self.arrays["case"])

    @property
    def storage(self) -> str:
        """Precision of the fields, as in recipes."""
        return "single" if self.arrays[tasks.get(self.task).fields[0]].dtype == np.float32 else "double"

    @property
    def unchanged(self) -> bool:
        """Whether the arrays are those that were exported, to the last bit."""
        return self.digest == content_hash(self.arrays, tasks.get(self.task))

    def chosen(self, rows: IntArray) -> Self:
        """The cases of these indices, and all missing ones."""
        along = tasks.get(self.task).along_cases
        arrays = {name: values[rows] if name in along else values for name, values in self.arrays.items()}
        return replace(self, arrays=arrays, digest=None)

    @property
    def about(self) -> About:
        """Description, as for a file."""
        return About(self.task, self.splits, self.provenance or {}, self.missing, {})


class Origin(Table):
    """What a format keeps besides the arrays, as JSON."""

    kind: str
    format: int
    task: str
    storage: str
    splits: list[str]
    missing: list[dict[str, str | int | float]]
    provenance: dict[str, str | int | float]
    content_hash: str = Field(pattern="^[0-9a-f]{64}$")


def load(path: Path, split: str | None) -> Content:
    """The cases of one split of a dataset file, or all.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file, no dataset, or no cases of this split.
    """
    dataset = read(path)
    about, missing = dataset.about, dataset.about.missing
    arrays = dict(dataset.arrays)
    with opened(path) as file:  # `read` returns doubles
        arrays |= {name: arrays[name].astype(file[name].dtype, copy=False) for name in tasks.get(about.task).fields}
    whole = Content(about.task, arrays, about.splits, missing, about.provenance)
    if split is None:
        return whole
    rows, number = dataset.cases(split), about.number(split)
    if not len(rows):
        raise ValueError(f"{path} has no {split} cases")
    return replace(whole, missing=tuple(one for one in missing if one["split"] == number)).chosen(rows)


def rounded(content: Content) -> Content:
    """The same with fields in single precision, and what that changes, relative to each case, in the error estimates.

    Raises
    ------
    ValueError
        Values of a case are too large or too small for single precision.
    """
    if content.storage == "single":
        return content
    fields, rounding = {}, np.zeros(len(content))
    for name in tasks.get(content.task).fields:
        fields[name], changed = single(content.arrays[name])
        if not np.all(changed <= TOLERANCE):
            at = int(np.flatnonzero(~(changed <= TOLERANCE))[0])
            largest = np.max(np.abs(content.arrays[name][at]))
            raise ValueError(
                f"{name} of case {content.arrays['case'][at]} has values too large or too small for single precision, "
                f"the largest part is {largest:.1e}"
            )
        rounding = np.maximum(rounding, changed)
    errors = content.arrays["error_estimate"] + rounding
    return replace(content, arrays=content.arrays | fields | {"error_estimate": errors}, digest=None)


def merged(contents: Sequence[Content], path: Path) -> Content:
    """Contents of several files with cases of one dataset as one, by the number of the case.

    Raises
    ------
    ValueError
        The files are not of the same dataset.
    """
    first, along = contents[0], tasks.get(contents[0].task).along_cases
    for one in contents[1:]:
        same = (one.task, one.splits, one.missing, one.provenance) == (
            *(first.task, first.splits, first.missing, first.provenance),
        )
        if not same or not all(
            np.array_equal(one.arrays[name], first.arrays[name]) for name in first.arrays if name not in along
        ):
            raise ValueError(f"{path}: the files are not of one dataset")
    arrays = first.arrays | {name: np.concatenate([one.arrays[name] for one in contents]) for name in along}
    whole = replace(first, arrays=arrays).chosen(np.argsort(arrays["case"], kind="stable"))
    if not all(one.unchanged for one in contents):
        return whole
    return replace(whole, digest=content_hash(whole.arrays, tasks.get(whole.task)))


def origin(content: Content) -> str:
    """What a format keeps besides the arrays, as JSON in ASCII."""
    about = {
        "kind": KIND,
        "format": FORMAT,
        "task": content.task,
        "storage": content.storage,
        "splits": list(content.splits),
        "missing": list(content.missing),
        "provenance": {name: (content.provenance or {})[name] for name in _KEPT},
        "content_hash": content_hash(content.arrays, tasks.get(content.task)),
    }
    return json.dumps(about, sort_keys=True)


def recorded(text: str, path: Path) -> Origin:
    """Read the text of `origin`.

    Raises
    ------
    ValueError
        It is no such text, or of another version.
    """
    try:
        found = Origin.model_validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(map(str, fault["loc"])) or "it"
        raise ValueError(f"{path}: {ORIGIN} is not as it was written, {where}: {fault['msg']}") from None
    if found.kind != KIND:
        raise ValueError(f"{path}: {ORIGIN} is of another kind, {found.kind!r:.60}, expected {KIND}")
    if found.format != FORMAT:
        raise ValueError(f"{path} was written with format {found.format}, this version reads format {FORMAT}")
    tasks.get(found.task)
    if not layout.are_splits(found.splits) or found.storage not in layout.PRECISIONS:
        raise ValueError(f"{path}: {ORIGIN} has the splits {found.splits!r:.80} and the storage {found.storage!r:.20}")
    for record in found.missing:
        if set(record) != set(MISSING_COLUMNS) or not all(
            _holds(MISSING_COLUMNS[name], record[name]) for name in record
        ):
            raise ValueError(f"{path}: {ORIGIN} has the missing case {record}, expected {MISSING_COLUMNS}")
    if set(found.provenance) != set(_KEPT):
        raise ValueError(f"{path}: {ORIGIN} has the provenance {sorted(found.provenance)}, expected {sorted(_KEPT)}")
    return found


def _holds(dtype: str, value: str | int | float) -> bool:
    """Whether an array of this type holds the value."""
    if np.dtype(dtype).kind == "S":
        return isinstance(value, str)
    if np.dtype(dtype).kind == "i":
        return isinstance(value, int) and abs(value) < 2**63
    return isinstance(value, int | float) and abs(value) < np.inf


def restored(arrays: Mapping[str, Array], found: Origin, path: Path) -> Content:
    """Content from all of a task's arrays, in the precision of its origin if they lose nothing by it.

    Raises
    ------
    ValueError
        An array is missing, or of another kind or shape than the task has.
    """
    task = tasks.get(found.task)
    length: dict[str, int] = {"part": 2}
    checked: dict[str, Array] = {}
    for name, variable in task.variables.items():
        if name not in arrays:
            raise ValueError(f"{path}: the array {name} is missing")
        values, kind = arrays[name], np.dtype(variable.dtype)
        sizes = zip(variable.dimensions, values.shape, strict=False)
        shape = tuple(length.setdefault(dimension, size) for dimension, size in sizes)
        fits = values.ndim == len(variable.dimensions) and values.shape == shape and values.size > 0
        if not fits or values.dtype.kind != kind.kind:
            raise ValueError(
                f"{path}: {name} is {values.dtype} with shape {values.shape}, expected {kind} with dimensions "
                f"{variable.dimensions}"
            )
        checked[name] = values.astype(kind, copy=False)
    if found.storage == "single":
        single = {name: checked[name].astype(np.float32) for name in task.fields}
        if all(np.array_equal(single[name], checked[name]) for name in task.fields):
            checked |= single
    return Content(
        found.task, checked, tuple(found.splits), tuple(found.missing), dict(found.provenance), found.content_hash
    )


def check_ranges(content: Content, path: Path) -> None:
    """Refuse parameters that no recipe may have, by the same door.

    Raises
    ------
    ValueError
        A value is not finite or out of range; the message names its case.
    """
    arrays = content.arrays
    check_values(arrays, path, content.about)
    parameters = tasks.get(content.task).parameters
    columns = np.stack([arrays[name].astype(float) for name in parameters], axis=1)
    for row in np.unique(columns, axis=0, return_index=True)[1]:
        values = {name: arrays[name][row].item() for name in parameters}
        given = values if is_jet(values) else {name: value for name, value in values.items() if name not in JET}
        try:
            Source.model_validate(given | {"m": [values["m"]]})
        except ValidationError as error:
            fault = error.errors()[0]
            name = str(fault["loc"][0]) if fault["loc"] else "source"
            raise ValueError(
                f"{path}: case {arrays['case'][row]} has {name} = {values.get(name, values)}: {fault['msg']}"
            ) from None
    silent = ~np.any(arrays.get("amplitude", np.ones((1, 1, 1))), axis=(1, 2))
    if np.any(silent):
        case = arrays["case"][silent][0]
        raise ValueError(f"{path}: all amplitudes of case {case} are zero, expected a mode that is incident")


def is_jet(parameters: Mapping[str, float]) -> bool:
    """Whether what is outside of the duct differs from what is inside."""
    return any(parameters[name] != usual for name, usual in uniform_flow(parameters["mach"]).items() if name != "hub")


def save(content: Content, out: Path, unknown: str) -> None:
    """Write a dataset file.

    content : Content. out : path of a new file. unknown : text that takes the recipe's place if the content has no
    provenance.
    """
    task = tasks.get(content.task)
    sizes = {
        dimension: size
        for name, variable in task.variables.items()
        for dimension, size in zip(variable.dimensions, content.arrays[name].shape, strict=True)
    }
    known = {name: value for name, value in (content.provenance or {}).items() if name in _KEPT}
    with whole_file(out) as file:
        layout.create(file, task, sizes, content.arrays, content.splits, content.storage)
        training = content.arrays["split"] == layout.SPLITS.index("train")
        for name in task.fields:
            rows = content.arrays[name].reshape(len(content), -1)[training].astype(float)
            write_statistics(file[name], np.einsum("cv,cv->c", rows, rows), np.max(np.abs(rows), axis=1, initial=0))
        record_missing(file, [Missing.of(record) for record in content.missing])
        write_identity(file, task)
        write_provenance(file, provenance(task.name, out.name, unknown, 0, "unknown", versions()) | known)
