"""Scattered interpolation between cases: what a table of solutions gives without a network."""

import numpy as np
from scipy.interpolate import RBFInterpolator

from wavenet.arrays import FloatArray

# Cubic radial basis functions with a linear polynomial: of pressures in the recipe forward-demo they have the smallest
# 95th percentile, 3.7e-2, beside thin plates (3.9e-2), quintic ones (4.5e-2) and local polynomials (4.7e-2).
_KERNEL = "cubic"
_NEIGHBOURS = 32
_FLAT = 1e-9  # extent of points in a direction, over the largest, up to which it is rounding


def interpolated(points: FloatArray, values: FloatArray, wanted: FloatArray, default: FloatArray) -> FloatArray:
    """Values at points from those at scattered points.

    Parameters
    ----------
    points : (point, dimension) array
        They may lie in a subspace, as coordinates do that never change or are functions of each other.
    values : (point, value) array
    wanted : (case, dimension) array
    default : (case, value) array
        The result where there are too few points for a linear function, or equal ones.

    Returns
    -------
    (case, value) array
    """
    if len(points) < 2:
        return default
    centre = points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(points - centre, full_matrices=False)
    axes = axes[sizes > _FLAT * sizes[0]]
    if not len(axes) or len(points) < len(axes) + 2:
        return default
    own, asked = ((of - centre) @ axes.T for of in (points, wanted))
    try:
        return np.asarray(RBFInterpolator(own, values, kernel=_KERNEL, neighbors=_NEIGHBOURS)(asked), dtype=float)
    except np.linalg.LinAlgError:  # two points are equal, or neighbours lie in a subspace
        return default
