"""Types of arrays; shapes are given in the docstrings."""

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]
IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[Any]  # of a kind that the file's layout decides
