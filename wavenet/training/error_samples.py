"""Training samples of the constrained network: errors of its methods for known fields, with and without noise."""

from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset, TensorDataset, default_collate

_SILENT = 0.5  # share of the fields without noise
_NOISE = (1e-6, 10**-0.75)  # range of the others' noise, relative root mean square: 120 ... 15 dB
_LEAST = 1e-9  # relative error below which errors cannot be distinguished from rounding


def error_samples(model: Any, cases: Dataset, count: int, seed: int = 0) -> TensorDataset:
    """Errors of each method of the constrained network for some fields, half of them noisy.

    Parameters
    ----------
    model : ConstrainedNetwork
    cases : torch Dataset
        Cases as `loading.FieldCases` gives them; evenly spaced ones are chosen.
    count : int
        Largest number of fields.
    seed : int
        Seed of the noise.

    Returns
    -------
    TensorDataset
        Items (parameters (3,), noise (), decimal logarithms of the errors of u and v (2, method, x, r)), see
        `ConstrainedNetwork.log_errors`.
    """
    random, items = torch.Generator().manual_seed(seed), []
    total = len(cases)  # type: ignore[arg-type]  # torch's Dataset does not promise its length
    for index in range(0, total, max(1, -(-total // count))):
        potential, parameters, velocity = (values[None] for values in cases[index])
        noise, noisy = _disturbed(potential, random)
        grid = model if not noise else model.on_grid(model.config.x, model.config.r, noise=noise)
        with torch.no_grad():
            errors = (grid.candidates(noisy, parameters) - velocity[:, None])[0].unflatten(1, (2, 2)).norm(dim=2)
        scale = velocity[0].unflatten(0, (2, 2)).square().sum(dim=1).mean(dim=(1, 2)).sqrt()
        relative = (errors.transpose(0, 1) / scale[:, None, None, None]).clamp_min(_LEAST)
        items.append((parameters[0], torch.tensor(noise, dtype=torch.float64), relative.log10().float()))
    return TensorDataset(*default_collate(items))


def _disturbed(potential: Tensor, random: torch.Generator) -> tuple[float, Tensor]:
    """Noise level, relative root mean square, and the potential with that noise; half of the fields have none."""
    draw = torch.rand(2, generator=random).tolist()
    noise = 0.0 if draw[0] < _SILENT else _NOISE[0] * (_NOISE[1] / _NOISE[0]) ** draw[1]
    size = potential.square().mean().sqrt()
    return noise, potential + noise * size * torch.randn(potential.shape, generator=random, dtype=potential.dtype)
