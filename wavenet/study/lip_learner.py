"""How the network of thick walls learns, and what it errs and expects to err: for `wavenet.study.choice`.

The error of a case is the root mean square over its incident modes, of the reflected power amplitudes in units of the
incident one, and of the directivity relative to its size over the sphere.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from data.elements import Lip
from data.read import Cases
from wavenet.arrays import FloatArray
from wavenet.far_field.error_bars import LEVELS
from wavenet.lips import learning, parts
from wavenet.lips.ducts import Ducts, gauss
from wavenet.lips.network import LipNetwork, Prediction
from wavenet.networks.lip import ducts_of

from .lips import thin_ducts

QUANTITIES = ("reflection", "directivity")
_ANGLES = 32  # of the directivity whose error is expected, nodes of Gauss and Legendre
_TOGETHER = 100  # cases


class LipLearner:
    """`wavenet.study.choice.Learner` of the task lip."""

    quantities = QUANTITIES

    def fit(self, data: Path) -> "LearnedLips":
        """Network fitted to the training cases."""
        return LearnedLips(learning.fit(*_read(data)))


class LearnedLips:
    """`wavenet.study.choice.Learned`."""

    def __init__(self, model: LipNetwork) -> None:
        self._model = model

    def expected(self, parameters: Mapping[str, FloatArray]) -> FloatArray:
        """The network's error bars that half of all modes exceed, (case, 2)."""
        lips = list(map(Lip.of_aspect, parameters["lip_thickness"], parameters["lip_aspect"]))
        m = parameters["m"].astype(int)
        rows = []
        for first in range(0, len(m), _TOGETHER):
            some = slice(first, first + _TOGETHER)
            ducts = thin_ducts(
                m[some].tolist(),
                parameters["helmholtz"][some].tolist(),
                parameters["mach"][some].tolist(),
                lips[some],
                *gauss(_ANGLES),
            )
            rows.append(expected_errors(self._model, ducts))
        return np.concatenate(rows)

    def missed(self, data: Path) -> FloatArray:
        """Errors in the training cases of a dataset, (case, 2)."""
        return errors(self._model, *_read(data))


def expected_errors(model: LipNetwork, ducts: Ducts) -> FloatArray:
    """Root mean squares over a case's modes of the errors that half of all modes exceed: (case, 2), of R and of D.

    In units of their own if there were too few training solutions for error bars.
    """
    with torch.no_grad():
        found = model(ducts)
        bars = model.bars[:, LEVELS.index(0.5)].nan_to_num(1.0)
        spreads = found.reflection_spread, found.directivity_spread
        return _of_cases(ducts, *(bar * spread for bar, spread in zip(bars, spreads, strict=True)))


def errors(model: LipNetwork, ducts: Ducts, reflection: Tensor, directivity: Tensor) -> FloatArray:
    """Root mean squares over a case's modes of the network's errors: (case, 2), of R and of D.

    reflection, directivity : of the thick walls, as in `wavenet.lips.learning.fit`.
    """
    with torch.no_grad():
        return _of_cases(ducts, *mode_errors(ducts, model(ducts), reflection, directivity))


def mode_errors(ducts: Ducts, found: Prediction, reflection: Tensor, directivity: Tensor) -> tuple[Tensor, Tensor]:
    """Errors (case, order) of the rows of R in power amplitudes, and of D relative to its size; 0 for cut-off modes."""
    of_reflection = torch.linalg.vector_norm(parts.powers(ducts, found.reflection - reflection), dim=2)
    missed = (found.directivity - directivity).abs().square() @ ducts.weight
    size = directivity.abs().square() @ ducts.weight
    of_directivity = torch.sqrt(missed / torch.where(ducts.live, size, 1.0))
    return torch.where(ducts.live, of_reflection, 0.0), torch.where(ducts.live, of_directivity, 0.0)


def _of_cases(ducts: Ducts, *of_modes: Tensor) -> FloatArray:
    """Root mean squares over the modes of each case."""
    count = ducts.live.sum(dim=1)
    means = [torch.where(ducts.live, values.square(), 0.0).sum(dim=1) / count for values in of_modes]
    found: FloatArray = torch.sqrt(torch.stack(means, dim=1)).numpy()
    return found


def _read(data: Path) -> tuple[Ducts, Tensor, Tensor]:
    cases = Cases(data, "train", task="lip")
    return ducts_of([cases[index] for index in range(len(cases))], cases.constants["angle"])


LEARNER = LipLearner()
