"""Types of numpy arrays; shapes are given in the docstrings."""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int_]
Reals = npt.NDArray[np.floating[Any]]  # single precision from networks, double from the solver
Array = npt.NDArray[Any]
