"""Functions around the lip, which the constrained network is built with."""

import numpy as np

from ..derivatives.edge import EdgeConfig, EdgeFunctions
from ..fields import Source
from . import Exact, Network


def _fit(cases: Source, seed: int, exact: Exact) -> EdgeFunctions:
    """Edge functions of the training cases of an edge dataset, all in memory."""
    edge = EdgeFunctions(EdgeConfig.of_nodes(cases.constants["root"], cases.constants["angle"]))
    edge.fit(np.stack([cases[index]["potential"] for index in range(len(cases))]))
    return edge


NETWORK = Network(name="edge", task="edge", module=EdgeFunctions, config=EdgeConfig, fit=_fit)
