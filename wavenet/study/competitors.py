"""Methods without training that a network is compared with."""

import numpy as np

from data.read import Dataset
from wavenet.arrays import FloatArray, IntArray, Reals
from wavenet.derivatives.differences import ORDERS, Differences
from wavenet.derivatives.wave_stencils import WaveDerivatives

from .tasks import tensors

# Weights of m, n, ka and M in the distance between cases. Another order is another pattern, so it counts more than any
# difference of ka (up to some tens); M, which lies in -1 ... 1, is brought to the scale of ka.
_WEIGHTS = {"m": 100, "n": 100, "helmholtz": 1, "mach": 5}


def nearest_training_cases(dataset: Dataset, cases: IntArray) -> IntArray:
    """The training case next to each of some cases, in m, n, ka and M."""
    points = np.stack([dataset[key] * weight for key, weight in _WEIGHTS.items()], axis=1)
    training = dataset.cases("train")
    distances = [np.sum((points[training] - points[case]) ** 2, axis=1) for case in cases]
    return np.array([training[np.argmin(distance)] for distance in distances])


def pressures(dataset: Dataset, cases: IntArray, exact: Reals) -> dict[str, Reals]:
    """Pressures (case, microphone, 2) by each method: the nearest training case, and the mean of the test cases."""
    mean = exact.mean(axis=(0,), keepdims=True)
    return {
        "nearest training case": dataset["pressure"][nearest_training_cases(dataset, cases)],
        "mean of the test cases": np.broadcast_to(mean, exact.shape),
    }


def velocities(dataset: Dataset, cases: IntArray) -> dict[str, FloatArray]:
    """Velocities (case, 4, x, r) by each method: finite differences, and stencils that know the case's wavenumber."""
    x, r = dataset["x"], dataset["r"]
    potential, parameters, _ = tensors(dataset, cases)
    found = {f"differences of order {order}": Differences(x, r, order)(potential).numpy() for order in ORDERS}
    return found | {"wave stencils": WaveDerivatives(x, r)(potential, parameters).numpy()}
