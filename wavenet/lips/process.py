r"""Gaussian processes behind complex linear factors: y = sum_f B_f g_f(x) + noise, fitted by marginal likelihood.

The g_f are independent complex processes of mean zero and covariance a_f^2 exp(-sum_i (x_i - x'_i)^2 / 2 l_fi^2), their
real and imaginary parts alike, so that y has the Hermitian covariance sum_f B_f B_f'* k_f(x, x') + noise.

References
----------
C. E. Rasmussen, C. K. I. Williams, Gaussian Processes for Machine Learning (2006), 2.2, 5.4.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..far_field.error_bars import level

_START = -1.2, 0.0, -3.0  # ln of 1 / lengths in standard deviations, of amplitudes, of the noise
_PULL = 0.02  # of 1 / lengths to where they start, in nats a sample: no length runs away that data do not tell
_JITTER = 1e-7  # of the variance, added to it
_LARGEST = 9.0  # |ln| of a hyperparameter
_STEPS = 60  # of L-BFGS
_KNOWN = 1e-3  # variance that is left of a duct that was computed, in units of the prior one


@dataclass(frozen=True)
class Samples:
    """Samples of a part: x (sample, coordinate), factor (sample, family) and y (sample,) complex, case (sample,).

    The last two coordinates are directions; symmetric : whether g is symmetric in them.
    """

    x: Tensor
    factor: Tensor
    y: Tensor
    case: Tensor
    symmetric: bool

    def of(self, index: Tensor) -> "Samples":
        """Some of them."""
        return Samples(self.x[index], self.factor[index], self.y[index], self.case[index], self.symmetric)


@dataclass(frozen=True)
class Covariance:
    """inverse : (family, coordinate), 1 / lengths. amplitude : (family,). noise : (), standard deviation of y."""

    inverse: Tensor
    amplitude: Tensor
    noise: Tensor

    def between(self, a: Samples, b: Samples) -> Tensor:
        """Covariance of y without noise, (sample, sample) complex Hermitian."""
        total = torch.zeros(len(a.x), len(b.x), dtype=torch.complex128)
        for family in range(len(self.amplitude)):
            inverse = self.inverse[family]
            kernel = gauss(a.x * inverse, b.x * inverse)
            if a.symmetric:
                kernel = 0.5 * (kernel + gauss(swapped(a.x) * inverse, b.x * inverse))
            both = a.factor[:, family, None] * b.factor[:, family].conj()
            total = total + self.amplitude[family] ** 2 * kernel * both
        return total

    def factor(self, samples: Samples) -> Tensor:
        """Lower Cholesky factor of the covariance of y."""
        own = self.between(samples, samples)
        # jitter in units of each sample's own variance would not do: it is zero where the factors are
        size = torch.diagonal(own).real.mean()
        return torch.linalg.cholesky(own + (self.noise**2 + _JITTER * size) * torch.eye(len(own), dtype=own.dtype))


def gauss(a: Tensor, b: Tensor) -> Tensor:
    """exp(-|a - b|^2 / 2) of rows."""
    square = a.square().sum(dim=1)[:, None] + b.square().sum(dim=1) - 2 * a @ b.T
    return torch.exp(-0.5 * square.clamp(min=0))


def whitening(scaled: Tensor) -> Tensor:
    """What `unknown` needs of the ducts that were computed: their parameters over the lengths, (duct, parameter).

    A square root of the covariance's inverse, in single precision: standard deviations are right to a percent, and half
    of the time is saved. Of the inverse itself not a digit would be left.
    """
    root = torch.linalg.cholesky(gauss(scaled, scaled) + _KNOWN * torch.eye(len(scaled), dtype=scaled.dtype))
    eye = torch.eye(len(scaled), dtype=scaled.dtype)
    return torch.linalg.solve_triangular(root, eye, upper=False).mT.to(torch.float32)


def unknown(unit: Tensor, whitening: Tensor) -> Tensor:
    """Variance of ducts, in units of the prior one: (case,); unit : covariance with those computed, (case, duct)."""
    return (1 - (unit.to(whitening) @ whitening).square().sum(dim=1)).clamp(min=0).to(unit)


def left_out(whitening: Tensor) -> Tensor:
    """Variance of each duct that was computed, in units of the prior one, if it is left out: (duct,)."""
    return (1 / whitening.double().square().sum(dim=1) - _KNOWN).clamp(min=0)


def bar_factors(bars: Tensor, coverage: float) -> Tensor:
    """What spreads are multiplied with for bars of a coverage: (...); bars : (..., coverage).

    Raises
    ------
    ValueError
        Another coverage than those of `wavenet.far_field.error_bars.LEVELS`, or too few training solutions.
    """
    factors = bars[..., level(coverage)]
    if torch.any(torch.isnan(factors)):
        raise ValueError(f"there were too few training solutions for bars of the coverage {coverage}")
    return factors


def swapped(x: Tensor) -> Tensor:
    """x with the last two coordinates exchanged."""
    return torch.cat([x[:, :-2], x[:, -1:], x[:, -2:-1]], dim=1)


def fit(samples: Samples, most: int, seed: int, finest: tuple[float, float] = (torch.inf, torch.inf)) -> Covariance:
    """Hyperparameters of greatest marginal likelihood of some of the samples, `most` of them.

    finest : largest 1 / lengths in the directions.
    """
    chosen = torch.randperm(len(samples.x), generator=torch.Generator().manual_seed(seed))[:most]
    some = samples.of(chosen)
    width = samples.x.std(dim=0)
    width = torch.where(width > 1e-9, width, 1.0)
    if samples.symmetric:
        width[-2:] = width[-2:].mean()
    families, count = samples.factor.shape[1], samples.x.shape[1]
    scale = some.y.abs().square().mean().sqrt() / some.factor.abs().square().mean().sqrt().clamp(min=1e-30)
    unit = some.y.abs().square().mean().sqrt()
    lengths = torch.full((families, count), _START[0], dtype=torch.float64, requires_grad=True)
    sizes = torch.full((families,), _START[1], dtype=torch.float64, requires_grad=True)
    noise = torch.tensor(_START[2], dtype=torch.float64, requires_grad=True)

    def covariance() -> Covariance:
        inverse = torch.exp(lengths)
        if samples.symmetric:
            inverse = torch.cat([inverse[:, :-1], inverse[:, -2:-1]], dim=1)
        inverse = inverse / width
        limits = inverse.new_tensor((min(finest), min(finest)) if samples.symmetric else finest)
        along = torch.minimum(inverse[:, -2:], limits)
        inverse = torch.cat([inverse[:, :-2], along], dim=1)
        return Covariance(inverse, scale * torch.exp(sizes), unit * torch.exp(noise))

    optimizer = torch.optim.LBFGS(
        [lengths, sizes, noise], max_iter=_STEPS, line_search_fn="strong_wolfe", tolerance_change=1e-5
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        sizes_of_all = torch.cat([lengths.flatten(), sizes, noise[None]])
        if not bool((sizes_of_all.abs() < _LARGEST).all()):
            value = 1e3 * sizes_of_all.square().sum()  # back into the range
        else:
            root = covariance().factor(some)
            weights = torch.cholesky_solve(some.y[:, None], root)
            fit_term = (some.y.conj() * weights[:, 0]).sum().real
            size_term = 2 * torch.log(torch.diagonal(root).real).sum()
            value = (fit_term + size_term) / len(some.y) + _PULL * (lengths - _START[0]).square().mean()
        value.backward()
        return value

    optimizer.step(loss)
    with torch.no_grad():
        found = covariance()
    return Covariance(found.inverse.detach(), found.amplitude.detach(), found.noise.detach())


def solve(samples: Samples, covariance: Covariance) -> tuple[Tensor, Tensor]:
    """Weights (sample,) of the mean, and of each sample what is left of it if its whole case is left out.

    The rest of the samples B of a case without them is (C_BB)^-1 (C y)_B with the inverse C of the covariance.
    """
    root = covariance.factor(samples)
    weights = torch.cholesky_solve(samples.y[:, None], root)[:, 0]
    left = torch.empty_like(weights)
    inverse = torch.linalg.solve_triangular(root, torch.eye(len(root), dtype=root.dtype), upper=False)
    for case in torch.unique(samples.case):
        own = torch.nonzero(samples.case == case)[:, 0]
        block = inverse[:, own]
        left[own] = torch.linalg.solve(block.mH @ block, weights[own])
    return weights, left
