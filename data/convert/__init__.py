"""Datasets in other programs' formats, and back: one module a format, `FORMATS` the table of them.

`content` is what passes between them and a dataset file; `study`, `well`, `pdebench` and `npz` are formats; `matlab`
and `arrays` read and write their files; `oscillation` turns complex amplitudes into time steps; `verification` compares
imported fields with the solver. PyTorch's format is in `wavenet.study`: this package does not need PyTorch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import npz, pdebench, study, well
from .content import Content, check_ranges, load, save
from .verification import compare

DATASET = (".h5",)  # suffix of dataset files


@dataclass(frozen=True)
class Format:
    """A format: how it is written and read.

    Parameters
    ----------
    name : str
    suffix : str
        Of its files; empty for a folder.
    summary : str
        What it is, for the help.
    write : callable
        (Content, path, **options) -> None.
    read : callable
        (path, **options) -> Content.
    writing, reading : tuples of str
        Names of the options.
    """

    name: str
    suffix: str
    summary: str
    write: Callable[..., None]
    read: Callable[..., Content]
    writing: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()


_STUDY = ("helmholtz", "mach", "shares", "seed")
FORMATS = {
    one.name: one
    for one in (
        Format("matlab", ".mat", "the study's layout, MATLAB 5", study.write, study.read, (), _STUDY),
        Format("matlab73", ".mat", "the study's layout, MATLAB 7.3", study.write_73, study.read, (), _STUDY),
        Format("well", "", "The Well, a folder", well.write, well.read, ("steps",)),
        Format("pdebench", ".hdf5", "PDEBench", pdebench.write, pdebench.read, ("steps",)),
        Format("npz", ".npz", "numpy arrays", npz.write, npz.read),
    )
}


@dataclass(frozen=True)
class Imported:
    """What `from_format` wrote.

    cases : number of cases. unchanged : whether the arrays are those of the dataset that was exported, to the last bit.
    misfit : if they are not, the largest relative misfit of each field against the solver.
    """

    cases: int
    unchanged: bool
    misfit: dict[str, float]


def to_format(
    path: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    split: str | None = None,
    formats: Mapping[str, Format] = FORMATS,
    **options: Any,
) -> dict[str, str | int]:
    """Write a dataset file's cases in another format.

    Parameters
    ----------
    path, out : paths
        Dataset file; file or folder to write.
    name : str, optional
        Name of the format; without it the first with the suffix of `out`.
    split : str, optional
        Write the cases of this split alone.
    formats : dict
        The table of formats.
    **options
        `steps` of The Well and PDEBench: time steps of a period.

    Returns
    -------
    dict
        file, format, cases, missing.

    Raises
    ------
    FileExistsError, ValueError
        out exists; path is no dataset; the format does not exist, or cannot hold it.
    """
    path, out = Path(path), Path(out)
    format_ = _format(name, out, formats)
    _expect_options("writing", format_.name, format_.writing, options)
    if out.exists():
        raise FileExistsError(f"{out} exists and is not overwritten")
    content = load(path, split)
    try:
        format_.write(content, out, **options)
    except ValueError as error:
        raise ValueError(f"{path} as {format_.name}: {error}") from None
    return {"file": str(out), "format": format_.name, "cases": len(content), "missing": len(content.missing)}


def from_format(
    path: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    formats: Mapping[str, Format] = FORMATS,
    **options: Any,
) -> Imported:
    """Write a dataset file from a file in another format.

    Parameters are checked as those of recipes are. Arrays that are not those of the exported dataset, to the last bit,
    are compared with the solver, case by case; misfits count among the errors of their cases.

    Parameters
    ----------
    path, out : paths
        File or folder to read; dataset file to write.
    name : str, optional
        Name of the format; without it the first with the suffix of `path`.
    formats : dict
        The table of formats.
    **options
        Of the study's layout: `helmholtz` and `mach` of all cases, `shares` of train, validation and test, and the
        `seed` by which cases are assigned to them, see `study.read`.

    Returns
    -------
    Imported

    Raises
    ------
    FileNotFoundError, FileExistsError, ValueError
        No such file; out exists; not the format; parameters out of range, or fields that are not theirs.
    """
    path, out = Path(path), Path(out)
    format_ = _format(name, path, formats)
    _expect_options("reading", format_.name, format_.reading, options)
    if out.exists():
        raise FileExistsError(f"{out} exists and is not overwritten")
    content = format_.read(path, **options)
    check_ranges(content, path)
    unchanged = content.unchanged
    if content.misfits is None and not unchanged:
        content = compare(content, path)
    misfit = content.misfits or {}
    about = f"converted from {path.name}; relative misfits {misfit}"
    save(content, out, about)
    return Imported(len(content), unchanged, misfit)


def _format(name: str | None, path: Path, formats: Mapping[str, Format]) -> Format:
    """The format of this name, or of the path's suffix."""
    if name is not None:
        if name not in formats:
            raise ValueError(f"unknown format {name!r:.60}, expected one of {', '.join(formats)}")
        return formats[name]
    suffix = "" if path.is_dir() else path.suffix.lower()
    for one in formats.values():
        if suffix == one.suffix and (suffix or path.is_dir()):
            return one
    known = ", ".join(f"{one.suffix or 'a folder'} ({one.name})" for one in formats.values())
    raise ValueError(f"no format has the suffix of {path.name}, expected {known}; or name the format")


def _expect_options(act: str, name: str, known: tuple[str, ...], options: Mapping[str, Any]) -> None:
    """Refuse options that the format does not have."""
    for option, value in options.items():
        if option not in known:
            raise ValueError(f"{option} = {value} does not apply to {act} the format {name}")
