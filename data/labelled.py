"""A dataset file in xarray, with complex variables."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray

_PART = "part"  # dimension of real and imaginary parts


def open_xarray(path: str | Path, split: str | None = None, *, chunks: Any = "auto") -> "xarray.Dataset":
    """Open a dataset file in xarray, with complex variables in place of real and imaginary parts.

    `open_xarray("derivative.h5").potential` is complex (case, x, r), with the cases' parameters as coordinates, units
    and long names. Fields are read when their values are needed, some cases at a time, so that a file may be larger
    than memory; `.load()` reads all. Needs `pip install 'wavenet[xarray]'`.

    Parameters
    ----------
    path : path
        Dataset file, of `wavenet generate`.
    split : str, optional
        Only the cases of "train", "validation", "test" or another set of the recipe.
    chunks
        As for `xarray.open_dataset`; None reads each variable as a whole when it is used.

    Raises
    ------
    FileNotFoundError, ValueError, TypeError
        As `data.read.read`; the values of the fields are not checked beyond their checksums. Or there is no such split,
        or xarray is not installed.
    """
    from .read import read_small

    try:
        import h5netcdf  # noqa: F401 - what xarray reads the file with
        import xarray
    except ImportError:
        raise ValueError("open_xarray needs xarray and h5netcdf: pip install 'wavenet[xarray]'") from None
    if not isinstance(path, str | Path):
        raise TypeError(f"expected the path of a dataset file, got {type(path).__name__}")
    small = read_small(path)
    rows = None if split is None else small.cases(split)
    found = xarray.open_dataset(path, engine="h5netcdf", chunks=chunks)
    found = found if rows is None else found.isel(case=rows)
    return found.drop_dims(_PART).assign({name: _complex(found[name]) for name in found if _PART in found[name].dims})


def _complex(parts: "xarray.DataArray") -> "xarray.DataArray":
    """Real and imaginary parts as one complex variable with the same attributes."""
    real, imaginary = (parts.isel({_PART: index}, drop=True) for index in (0, 1))
    return (real + 1j * imaginary).assign_attrs(parts.attrs)
