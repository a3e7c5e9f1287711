"""One field as an HDF5 file: x, r, potential, axial_velocity, radial_velocity, pressure (complex, axes x and r)."""

from .files import whole_file
from .format import text

UNITS = {"potential": "a c", "axial_velocity": "c", "radial_velocity": "c", "pressure": "rho c^2"}


def write_field(path, source, field, *, jet=None):
    """Write a near field; the file appears when it is complete.

    source : analytic.DuctMode; field : analytic.Field; jet : analytic.Jet or None.
    """
    with whole_file(path) as file:
        file.attrs.update(kind=text("wavenet-field"), error_estimate=field.error_estimate, **vars(source))
        if jet is not None:
            file.attrs.update(vars(jet))
        for axis in "xr":
            file.create_dataset(axis, data=getattr(field, axis)).make_scale(axis)
            file[axis].attrs["units"] = text("a")
        for name, unit in UNITS.items():
            dataset = file.create_dataset(name, data=getattr(field, name))
            dataset.attrs["units"] = text(unit)
            for index, axis in enumerate("xr"):
                dataset.dims[index].attach_scale(file[axis])
