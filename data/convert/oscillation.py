"""Complex amplitudes as oscillations in time, for layouts that know real values and time steps alone.

An amplitude a stands for Re(a exp(-i omega t)). Steps are equal parts of a period, from t = 0.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ..arrays import Array

STEPS = 4  # of a period: a period's quarters have the real and imaginary parts, to the last bit


def check_steps(steps: int) -> None:
    """Refuse a number of steps that does not divide a quarter of a period."""
    if not (steps >= 4 and steps % 4 == 0):
        raise ValueError(f"steps must be a multiple of 4, got {steps}")


def series(real: Array, imaginary: Array, steps: int) -> Iterator[Array]:
    """Values at the steps of a period, from real and imaginary parts of any shape; a quarter's are exact."""
    quarters = (real, imaginary, -real, -imaginary)
    for step in range(steps):
        quarter, rest = divmod(4 * step, steps)
        if rest:
            phase = 2 * np.pi * step / steps
            yield (np.cos(phase) * real + np.sin(phase) * imaginary).astype(real.dtype)
        else:
            yield quarters[quarter]


def amplitude(values: Array, name: str, path: Path) -> tuple[Array, Array]:
    """Real and imaginary parts of (case, step, ...) values over a period.

    Raises
    ------
    ValueError
        The values do not oscillate harmonically.
    """
    steps = values.shape[1]
    check_steps(steps)
    real, imaginary = values[:, 0], values[:, steps // 4]
    allowed = 8 * np.finfo(values.dtype).eps * max(float(np.max(np.abs(values))), 1e-300)
    for step, expected in enumerate(series(real, imaginary, steps)):
        gap = float(np.max(np.abs(values[:, step] - expected)))
        if not gap <= allowed:
            raise ValueError(
                f"{path}: {name} is no oscillation of one frequency, step {step} of {steps} differs by {gap:.1e}"
            )
    return real, imaginary
