"""Edge functions: fields around the lip, used by the constrained network."""

import numpy as np

from ..derivatives.edge import EdgeConfig, EdgeFunctions
from ..fields import Source
from . import Exact, Network


def _fit(cases: Source, seed: int, exact: Exact) -> EdgeFunctions:
    """Edge functions fitted to all training cases of an edge dataset, in memory."""
    edge = EdgeFunctions(EdgeConfig.of_nodes(cases.constants["root"], cases.constants["angle"]))
    edge.fit(np.stack([cases[index]["potential"] for index in range(len(cases))]))
    return edge


NETWORK = Network(name="edge", task="edge", module=EdgeFunctions, config=EdgeConfig, fit=_fit)
