"""The surrogate of jets: both factors of the vortex sheet's kernel, around which all else is in closed form."""

import numpy as np

from ..fields import Source
from ..jets import learning
from ..jets.network import PARAMETERS, JetConfig, JetNetwork
from . import Exact, Network


def _fit(cases: Source, seed: int, exact: Exact) -> JetNetwork:
    """Network trained on all training cases, in memory; error bars from some that are held out."""
    arrays = {name: cases.columns[name] for name in PARAMETERS} | {"node": cases.constants["node"]}
    every = [cases[index] for index in range(len(cases))]
    for name in ("log_minus", "log_plus"):
        arrays[name] = np.stack([case[name] for case in every])
    return learning.fit(*learning.cases(arrays, slice(None)), seed)


NETWORK = Network(name="jet", task="jet_factor", module=JetNetwork, config=JetConfig, fit=_fit, hubs=True, jets=True)
