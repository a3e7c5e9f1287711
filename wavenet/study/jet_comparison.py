"""The surrogate of jets on the test jets of a dataset, beside what the same closed forms give without a network."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from data.read import Dataset
from wavenet.arrays import ComplexArray, FloatArray, IntArray
from wavenet.jets.network import JetNetwork

from .interpolation import interpolated
from .jet_factors import JetsOfFile, StoredFactors, directivities, of_file

NEAREST, INTERPOLATED = "nearest training jet", "interpolated training jets"


@dataclass(frozen=True)
class JetComparison:
    """Directivities (jet, angle) of a mode of each jet, by method; the first is the network's.

    cases : (jet,) places of the jets in the dataset; those that the network refuses are missing. n : (jet,) radial
    orders.
    """

    cases: IntArray
    n: IntArray
    exact: ComplexArray
    methods: dict[str, ComplexArray]


def compare(name: str, model: JetNetwork, dataset: Dataset, cases: IntArray) -> JetComparison:
    """Compare the network, factors of training jets instead of its own, and the closed forms alone.

    The exact directivities are those of the factors in the dataset, which are the solver's to 1e-7.

    Parameters
    ----------
    name : str
        Of the network.
    model : JetNetwork
    dataset : Dataset
        Of the task jet_factor.
    cases : (case,) int array

    Raises
    ------
    ValueError
        The network takes none of these jets; or none of the training's.
    """
    jets = of_file(model, dataset, cases)
    train = of_file(model, dataset, dataset.cases("train"))
    for found, split in ((jets, "test"), (train, "training")):
        if not len(found.cases):
            raise ValueError(f"the network takes none of the {split} jets of the dataset")
    own = model.cpu().double()

    def closed_forms(coefficients: Tensor) -> ComplexArray:
        return directivities(StoredFactors(own.config, jets.parameters, coefficients), jets.parameters, jets.n)

    mean = train.coefficients.mean(dim=0)
    methods = {
        name: jets.directivities(own),
        INTERPOLATED: closed_forms(between(train, jets)),
        NEAREST: closed_forms(train.coefficients[torch.from_numpy(nearest(train, jets))]),
        "mean of the training jets": closed_forms(mean.expand(len(jets.n), *mean.shape)),
        "closed forms alone": closed_forms(torch.zeros_like(jets.coefficients)),
    }
    return JetComparison(jets.cases, jets.n, closed_forms(jets.coefficients), methods)


def nearest(train: JetsOfFile, jets: JetsOfFile) -> IntArray:
    """The training jet next to each jet; another m counts more than all else together."""
    spread = _spread(train)
    weights = torch.where(torch.arange(len(spread)) == 0, 100.0, 1.0) / spread
    found: IntArray = torch.cdist(jets.parameters * weights, train.parameters * weights).argmin(dim=1).numpy()
    return found


def between(train: JetsOfFile, jets: JetsOfFile) -> Tensor:
    """Coefficients for each jet, interpolated between training jets of the same m, or those of the nearest jet."""
    known, wanted = ((of.parameters / _spread(train)).double().numpy() for of in (train, jets))
    values = train.coefficients.flatten(1).double().numpy()
    found = values[nearest(train, jets)]
    for m in np.unique(wanted[:, 0]):
        mine, own = wanted[:, 0] == m, known[:, 0] == m
        found[mine] = interpolated(known[own], values[own], wanted[mine], found[mine])
    return torch.from_numpy(found).to(jets.coefficients).reshape(jets.coefficients.shape)


def _spread(train: JetsOfFile) -> Tensor:
    """Standard deviation of each parameter, or a small number."""
    return train.parameters.std(dim=0).clamp(min=1e-9)


def parts(values: ComplexArray) -> FloatArray:
    """Real and imaginary parts in a last axis."""
    return np.stack([values.real, values.imag], axis=-1)
