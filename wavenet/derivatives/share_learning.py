"""What the constrained U-net learns from: its methods' errors in known fields, disturbed in many ways, and its loss."""

import cmath
import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d
from torch.utils.data import Dataset, TensorDataset

from .constrained import combine

_STRIDES = ((1, 1), (2, 2), (2, 1), (1, 2))  # of the cells kept, in x and r: spacings, and the lip's place in its cell
_STRIDE_ODDS = (0.4, 0.3, 0.15, 0.15)
_SILENT = 0.45  # share of the fields without noise
_NOISE = (-6.0, -0.8)  # range of the decimal logarithm of the others' noise, relative root mean square: 120 ... 16 dB
_SMOOTH = 0.5  # share of the noise that is smoothed over 3 x 3 cells, once to three times
_TOLD = 0.4  # share of the fields whose noise is told; half of these are told it wrongly by up to a factor of three
_DETUNED = 0.25  # share of the fields with a wrong k: by 1e-5 ... 1e-2
_RETURNING = 0.25  # share of the fields with sound from outside, if there is any: 0.01 ... 1 times the field
_LEAST = 1e-10  # relative error below which errors cannot be distinguished from the solver's
_DEGREES = 3  # degrees of freedom of Student's t: its tails are as heavy as the errors', which span powers of ten
_LIKELY = 0.3  # weight of the likelihoods, over that of the logarithm of the whole error
_RESIDUAL = 0.3  # weight of the logarithm of the residuals


class _Draw(NamedTuple):
    """Disturbance of a field: strides and offsets of the cells kept, noise, its smoothing, what is told of it, k, what
    is added of the field reversed in time, and a factor.
    """

    strides: tuple[int, int]
    offsets: tuple[int, int]
    noise: float
    smoothings: int
    told: float | None
    detuning: float
    returning: complex
    factor: complex


def share_samples(model: Any, cases: Dataset, count: int, seed: int = 0) -> TensorDataset:
    """Patches of known fields as the U-net sees them, and the errors of its methods there.

    Grids are coarsened, noise is white or smooth, told, told wrongly or left to be estimated, and k may be wrong.

    Parameters
    ----------
    model : ConstrainedUNet
    cases : torch Dataset
        (potential, parameters, velocity) of each case; evenly spaced ones are chosen.
    count : int
        Largest number of fields.
    seed : int

    Returns
    -------
    TensorDataset
        Items (`Seen.features`, `Seen.prior`, errors of the methods over the root mean square of u and v (method, 4, x,
        r), ka, M, the spacings in x and r, and the first r) of patches of half the grid's cells in each direction,
        single precision.
    """
    items, places = [], {}
    total = len(cases)  # type: ignore[arg-type]  # torch's Dataset does not promise its length
    patch = len(model.config.x) // 2, len(model.config.r) // 2
    for index in range(0, total, max(1, -(-total // count))):
        potential, parameters, velocity = cases[index]
        random = torch.Generator().manual_seed(2**32 * seed + index)
        draw = _draw(random)
        (sx, sr), (ox, orr) = draw.strides, draw.offsets
        key = draw.strides + draw.offsets
        if key not in places:
            places[key] = model.on_grid(model.config.x[ox::sx], model.config.r[orr::sr])
        psi, exact = potential[:, ox::sx, orr::sr], velocity[:, ox::sx, orr::sr]
        if "superposition" in model.config.constraints:
            back = reversed_in_time(psi, exact, parameters, psi.new_tensor(model.config.x[ox::sx]))
            psi, exact = (a + draw.returning * b for a, b in zip(_complex(psi, exact), _complex(*back), strict=True))
            psi, exact = _parts(psi), _parts(exact)
        if "phase" in model.config.constraints:
            psi, exact = (_parts(draw.factor * part) for part in _complex(psi, exact))
        psi = psi + _noise_like(psi, draw, random)
        told = parameters * torch.tensor([1.0, 1 + draw.detuning, 1.0], dtype=parameters.dtype)
        local = places[key]
        local = local if draw.told is None else local.on_grid(local.config.x, local.config.r, noise=draw.told)
        try:
            seen = local.seen(psi, told)
        except ValueError:  # too few points per wavelength for stencils
            continue
        scale = exact.unflatten(0, (2, 2)).square().sum(dim=1).mean(dim=(1, 2)).sqrt().repeat_interleave(2)
        errors = (seen.candidates.cpu() - exact) / scale[:, None, None]
        for i in range(0, psi.shape[1] - patch[0] + 1, patch[0]):
            for j in range(0, psi.shape[2] - patch[1] + 1, patch[1]):
                parts = (seen.features, seen.prior, errors)
                cut = [part[..., i : i + patch[0], j : j + patch[1]].float().cpu() for part in parts]
                items.append([*cut, _numbers(parameters, local.config, j)])
    return TensorDataset(*(torch.stack(parts) for parts in zip(*items, strict=True)))


def reversed_in_time(psi: Tensor, velocity: Tensor, parameters: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The field whose sound runs backwards, from outside into the duct: another solution of the same equation.

    With psi = phi exp(-i kappa x), kappa = ka M / (1 - M^2), the conjugate of phi solves the equation of phi.

    Parameters
    ----------
    psi : (2, x, r) tensor
    velocity : (4, x, r) tensor
    parameters : (3,) tensor
    x : (x,) tensor
    """
    _, helmholtz, mach = parameters.double().tolist()
    kappa = helmholtz * mach / (1 - mach**2)
    turn = torch.exp(-2j * kappa * x)[:, None]
    (phi,), (u, v) = _complex(psi, velocity)
    phi, u, v = (part.conj() * turn for part in (phi, u, v))
    return _parts(phi[None]), _parts(torch.stack([u - 2j * kappa * phi, v]))


def _complex(*fields: Tensor) -> list[Tensor]:
    """(2 k, x, r) -> (k, x, r) complex."""
    return [torch.complex(*field.unflatten(0, (-1, 2)).unbind(dim=1)) for field in fields]


def _parts(field: Tensor) -> Tensor:
    return torch.view_as_real(field).movedim(-1, 1).flatten(0, 1)


def _numbers(parameters: Tensor, config: Any, column: int) -> Tensor:
    """ka, M, spacings in x and r, and r of a patch's first column."""
    steps = config.x[1] - config.x[0], config.r[1] - config.r[0]
    return torch.tensor([*parameters[1:].tolist(), *steps, config.r[column]], dtype=torch.float32)


def share_loss(model: Any, batch: list[Tensor] | tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Logarithm of the error of u and v in each patch, and likelihoods of the errors that the network predicts.

    Errors are assumed to follow Student's t with the predicted size as scale. Batches come from `share_samples`. With
    the constraint `residuals`, the logarithm of those of the equations is added.
    """
    features, prior, errors, numbers = batch
    found = model.predict(features, prior)
    of_mean = combine(found.shares, errors).unflatten(1, (2, 2)).norm(dim=2)  # (case, 2, x, r)
    whole = of_mean.square().mean(dim=(2, 3)).sqrt().clamp_min(_LEAST).log().mean(dim=1)
    usable = torch.isfinite(prior)
    sizes = errors.unflatten(2, (2, 2)).norm(dim=3).transpose(1, 2)  # (case, 2, method, x, r)
    each = _likelihood(found.log_errors.masked_fill(~usable, 0.0), sizes) * usable
    likely = each.sum(dim=(1, 2, 3, 4)) / usable.sum(dim=(1, 2, 3, 4))
    own = _likelihood(found.log_error, of_mean.detach()).mean(dim=(1, 2, 3))
    values = whole + _LIKELY * (likely + own)
    if "residuals" in model.config.constraints:
        values = values + _RESIDUAL * residuals(combine(found.shares, errors), numbers).clamp_min(_LEAST).log()
    return values, torch.ones_like(values)


def residuals(errors: Tensor, numbers: Tensor) -> Tensor:
    """Residuals of errors of u and v (case, 4, x, r) in the equations, which are linear: root mean square (case,).

    (1 - M^2) u_x + 2 i ka M u + v_r + v / r = 0 and u_r = v_x, times the spacing in r; numbers : see `_numbers`.
    """
    helmholtz, mach, dx, dr, first = (column[:, None, None] for column in numbers.unbind(dim=1))
    u, v = torch.complex(errors[:, 0], errors[:, 1]), torch.complex(errors[:, 2], errors[:, 3])
    r = first + dr * torch.arange(errors.shape[3], device=errors.device)
    inner = (..., slice(1, -1), slice(1, -1))

    def slopes(of: Tensor) -> tuple[Tensor, Tensor]:
        return (of[:, 2:, 1:-1] - of[:, :-2, 1:-1]) / (2 * dx), (of[:, 1:-1, 2:] - of[:, 1:-1, :-2]) / (2 * dr)

    (u_x, u_r), (v_x, v_r) = slopes(u), slopes(v)
    balance = (1 - mach**2) * u_x + 2j * helmholtz * mach * u[inner] + v_r + (v / r)[inner]
    both = torch.stack([balance, u_r - v_x]) * dr
    return both.abs().square().mean(dim=(0, 2, 3)).sqrt()


def _likelihood(expected: Tensor, found: Tensor) -> Tensor:
    """Negative logarithm of the likelihood of errors, up to a constant; expected : decimal logarithms."""
    ratio2 = 10 ** (2 * (found.clamp_min(_LEAST).log10() - expected).clamp(max=15))  # single precision ends at 1e38
    return math.log(10) * expected + (_DEGREES + 1) / 2 * torch.log1p(ratio2 / _DEGREES)


def _draw(random: torch.Generator) -> _Draw:
    """A random disturbance."""
    a, b, c, d, e, f, g, h = torch.rand(8, generator=random).tolist()
    kind = int(torch.multinomial(torch.tensor(_STRIDE_ODDS), 1, generator=random))
    strides = _STRIDES[kind]
    offsets = int(a * strides[0]), int(b * strides[1])
    noise = 0.0 if c < _SILENT else 10 ** (_NOISE[0] + (_NOISE[1] - _NOISE[0]) * d)
    smoothings = 0 if e > _SMOOTH else 1 + int(3 * e / _SMOOTH) % 3
    told = None
    if f < _TOLD:
        told = noise if f < _TOLD / 2 else min(noise * 10 ** (2 * f / _TOLD - 1.5), 0.5)
    detuning = (10 ** (3 * h - 5)) * (1 if g < _DETUNED / 2 else -1) if g < _DETUNED else 0.0
    a, b, c, d = torch.rand(4, generator=random).tolist()
    returning = 10 ** (2 * b - 2) * cmath.exp(2j * math.pi * c) if a < _RETURNING else 0j
    return _Draw(strides, offsets, noise, smoothings, told, detuning, returning, 2 * cmath.exp(2j * math.pi * d))


def _noise_like(psi: Tensor, draw: _Draw, random: torch.Generator) -> Tensor:
    """Noise for a potential (2, x, r)."""
    values = torch.randn(psi.shape, generator=random, dtype=psi.dtype)
    for _ in range(draw.smoothings):
        values = avg_pool2d(values[None], 3, stride=1, padding=1, count_include_pad=False)[0]
    return values * draw.noise * (psi.square().mean() / values.square().mean()).sqrt()
