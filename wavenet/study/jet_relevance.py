"""What the network of jets adds to the level of a mode, linear in its outputs: what relevance explains."""

import numpy as np
import torch
from torch import Tensor, nn

from wavenet import networks
from wavenet.arrays import FloatArray
from wavenet.devices import device_of
from wavenet.jets.network import PARAMETERS, JetNetwork


def explained(model: JetNetwork, parameters: Tensor) -> networks.Explained:
    """Inputs of the layers for one jet (1, parameter), the layers, and the inputs' names."""
    explain = networks.of(model).explain
    assert explain is not None
    return explain(model, [parameters])


def slopes(model: JetNetwork, parameters: Tensor, n: int, theta: FloatArray) -> tuple[Tensor, Tensor]:
    """ln |D| of a mode of one jet at some angles, and its derivatives with respect to the outputs of the layers.

    Parameters
    ----------
    model : JetNetwork
    parameters : (1, parameter) tensor
        Of the jet, in the order of `PARAMETERS`; the Kutta parameter is one.
    n : int
        Radial order.
    theta : (angle,) array
        As for `JetNetwork.directivity` [rad].

    Returns
    -------
    (angle,) and (angle, output) tensors
    """
    outputs: list[Tensor] = []

    def catch(_module: nn.Module, _inputs: tuple[Tensor], output: Tensor) -> Tensor:
        outputs.append(output.detach().requires_grad_())
        return outputs[0]

    handle = explained(model, parameters).module.register_forward_hook(catch)
    try:
        m, *rest = parameters.to(device_of(model)).unbind(dim=1)
        streams = dict(zip(PARAMETERS[1:], rest, strict=True))
        ka, mach = streams.pop("helmholtz"), streams.pop("mach")
        with torch.enable_grad():
            angle = torch.from_numpy(np.asarray(theta))
            found = model.directivity(m.long(), n, ka, mach, angle, **streams)[0].abs().log()
            rows = [torch.autograd.grad(one, outputs[0], retain_graph=True)[0][0] for one in found]
    finally:
        handle.remove()
    return found.detach(), torch.stack(rows)
