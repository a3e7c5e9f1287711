"""Angles of the far field: the physical angle of an observer, and the angle in the stretched plane.

The physical angle is that of the line from the centre of the open end to the observer, in (x, r), 0 downstream: where a
microphone stands. In a flow of Mach number M the solution is simplest at the angle theta in the (X, r) plane, X = x /
sqrt(1 - M^2): tan(theta) = sqrt(1 - M^2) tan(physical angle). Both agree at 0, 90 and 180 degrees, and without flow.
"""

import numpy as np
import numpy.typing as npt

from .arrays import FloatArray
from .checks import check_angles, check_mach


def stretched_angle(angle: npt.ArrayLike, mach: float) -> FloatArray:
    """Angle theta in the (X, r) plane of a physical angle.

    Parameters
    ----------
    angle : (...) float array
        Physical angle [rad], 0 downstream, in [0, pi].
    mach : float, |mach| < 1
        Mach number of the fluid there, in its own sound speed [-].

    Returns
    -------
    (...) float array
        theta [rad], as `Solution.directivity` takes it.

    Raises
    ------
    ValueError
        An angle outside [0, pi], or the flow is not subsonic.

    Examples
    --------
    >>> np.degrees(stretched_angle(np.radians([0.0, 45.0, 90.0, 135.0]), -0.6)).round(2).tolist()
    [0.0, 38.66, 90.0, 141.34]
    """
    angle, mach = check_angles(angle), check_mach(mach)
    return np.arctan2(np.sqrt((1 - mach) * (1 + mach)) * np.sin(angle), np.cos(angle))


def physical_angle(theta: npt.ArrayLike, mach: float) -> FloatArray:
    """Physical angle of an angle in the (X, r) plane: the inverse of `stretched_angle`.

    Parameters, errors and result as there, exchanged.

    Examples
    --------
    >>> bool(abs(physical_angle(stretched_angle(1.0, 0.5), 0.5) - 1.0) < 1e-15)
    True
    """
    theta, mach = check_angles(theta), check_mach(mach)
    return np.arctan2(np.sin(theta), np.sqrt((1 - mach) * (1 + mach)) * np.cos(theta))
