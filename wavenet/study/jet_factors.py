"""Jets of a dataset and their modes: directivities by the closed forms around factors that the dataset stores."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

import analytic
from data.read import Dataset
from wavenet.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from wavenet.jets.learning import ALL, coefficients, values
from wavenet.jets.modes import JetModes
from wavenet.jets.network import PARAMETERS, JetConfig, JetNetwork
from wavenet.training import loading

THETA: FloatArray = np.linspace(0, np.pi, 36)  # angles at which directivities are compared [rad]


class StoredFactors(JetNetwork):
    """The closed forms around coefficients of known jets in place of a network's.

    parameters : (jet, parameter) tensor, float64. coefficients : (jet, factor, degree, 2) tensor.
    """

    def __init__(self, config: JetConfig, parameters: Tensor, coefficients: Tensor):
        super().__init__(config)
        self._known = dict(zip(map(tuple, parameters.tolist()), coefficients, strict=True))

    def forward(self, parameters: Tensor) -> Tensor:
        """Coefficients of these jets."""
        return torch.stack([self._known[tuple(row)] for row in parameters.tolist()])


class JetsOfFile(NamedTuple):
    """Jets of a dataset that a network takes, with a cut-on mode of each.

    cases : (jet,) places in the dataset. parameters : (jet, parameter) tensor. n : (jet,) radial orders. coefficients :
    (jet, factor, degree, 2) tensor.
    """

    cases: IntArray
    parameters: Tensor
    n: IntArray
    coefficients: Tensor

    def directivities(self, model: JetNetwork) -> ComplexArray:
        """D (jet, angle) at `THETA` of the modes, with a Kutta parameter of one."""
        return directivities(model, self.parameters, self.n)


def directivities(model: JetNetwork, parameters: Tensor, n: IntArray) -> ComplexArray:
    """D (jet, angle) at `THETA` of modes n (jet,) of jets (jet, parameter), with a Kutta parameter of one."""
    mode = named(parameters)
    m, ka, mach = (mode.pop(name) for name in ("m", "helmholtz", "mach"))
    with torch.no_grad():
        found = model.directivity(m.long(), torch.from_numpy(n), ka, mach, torch.from_numpy(THETA), **mode)
    whole: ComplexArray = found.cpu().numpy()
    return whole


def named(parameters: Tensor) -> dict[str, Tensor]:
    """Parameters (jet,) by name, of jets (jet, parameter)."""
    return dict(zip(PARAMETERS, parameters.unbind(dim=1), strict=True))


def usable(model: JetNetwork, parameters: Tensor, n: IntArray) -> BoolArray:
    """Whether the network takes modes n (jet,) of jets (jet, parameter), (jet,)."""
    mode = named(parameters) | {"n": torch.from_numpy(n), "kutta": torch.tensor(1.0)}
    mode["m"] = mode["m"].long()
    return model.usable(*(mode[name] for name in JetModes._fields))


def cut_on_counts(parameters: Tensor) -> IntArray:
    """Numbers of cut-on modes (jet,) of jets (jet, parameter)."""
    found = []
    for row in parameters.tolist():
        jet = dict(zip(PARAMETERS, row, strict=True))
        m, hub = int(jet["m"]), jet.get("hub", 0.0)
        found.append(analytic.cut_on_orders(jet["helmholtz"], m, jet["mach"], hub=hub))
    return np.array(found, dtype=int)


def of_file(model: JetNetwork, dataset: Dataset, cases: IntArray) -> JetsOfFile:
    """Those of some jets of a dataset that a network takes and of which a mode is cut on.

    The mode of a jet is that of its number in the dataset modulo the number of modes that are cut on.
    """
    parameters, series = loading.of_task(dataset.task).at_once(dataset.arrays, cases)
    counts = cut_on_counts(parameters)
    n = cases % np.maximum(counts, 1)
    learned = values(parameters, series)
    good = usable(model, parameters, n) & (counts > 0) & torch.isfinite(learned[:, 0, 0, 0]).numpy()
    return JetsOfFile(cases[good], parameters[good], n[good], coefficients(learned[good], ALL))
