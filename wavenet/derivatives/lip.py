"""Base of networks with edge functions: the functions are saved with the network, their map of a grid is not."""

from typing import Any

import torch
from torch import nn

from .edge import EdgeFunctions, EdgeMap


class AroundLip(nn.Module):
    """A network that may hold edge functions; their map of its grid is computed on first use.

    This allows the functions to be loaded first. The map follows from them, so it is not part of the state.

    Parameters
    ----------
    edge : EdgeFunctions, optional
    x, r : tuple of float
        Cell centres [radii].
    options :
        See `EdgeMap`.
    """

    edge: EdgeFunctions | None

    def __init__(self, edge: EdgeFunctions | None, x: tuple[float, ...], r: tuple[float, ...], **options: float):
        super().__init__()
        self.edge = edge
        self._grid, self._options = (x, r), options
        self._map: EdgeMap | None = None
        self.register_load_state_dict_post_hook(_forget_map)

    def edge_map_on(self, device: torch.device) -> EdgeMap:
        """Derivatives around the lip, on the given device."""
        if self._map is None or self._map.known.device != device:
            assert self.edge is not None
            near = EdgeMap(self.edge, *self._grid, **self._options)
            object.__setattr__(self, "_map", near.to(device))  # not part of the state
        assert self._map is not None
        return self._map


def _forget_map(model: Any, _: Any) -> None:
    model._map = None
