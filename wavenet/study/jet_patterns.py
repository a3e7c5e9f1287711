"""Far fields of several modes with jets at microphones, as functions of a jet's Mach number and temperature.

The gas inside and outside is the same, at the same static pressure: with T, the temperature over that outside, the
sound speed ratio is T^(-1/2) and the density ratio T. The frequency is known: ka of the duct is that outside times
T^(-1/2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

import analytic
from wavenet.arrays import BoolArray, ComplexArray, FloatArray, IntArray
from wavenet.jets.network import JetNetwork

_STEP = 1e-4  # of the solver's central differences, in M and ln T: errors of 1e-8 from the truncation


@dataclass(frozen=True)
class FarArray:
    """Microphones far away from a duct with a jet, and the modes that are present.

    modes : (m, n), m of either sign. theta : (microphone,) polar angles in the plane (x / beta, r) of the outer stream
    [rad], 0 downstream. phi : (microphone,) [rad]. helmholtz : omega a / c with the sound speed outside. mach_outer :
    Mach number outside.
    """

    modes: tuple[tuple[int, int], ...]
    theta: FloatArray
    phi: FloatArray
    helmholtz: float
    mach_outer: float = 0.0


class Patterns(Protocol):
    """Directivities of the modes at the microphones, times exp(i m phi).

    Jets are given by the number of their array, M and T, (case,) each. Values are (case, microphone, mode), with zeros
    at the end for arrays of fewer modes.
    """

    modes: IntArray  # number of modes of each array

    def usable(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> BoolArray:
        """Jets (case,) at which all modes are known."""

    def values(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> ComplexArray:
        """(case, microphone, mode)."""

    def slopes(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """Values, and their derivatives with respect to M and ln T (case, 2, microphone, mode)."""


def stream(helmholtz: npt.ArrayLike, mach_outer: npt.ArrayLike, temperature: npt.ArrayLike) -> dict[str, FloatArray]:
    """Parameters of jets of these temperatures by name; helmholtz : outside. The one returned is that of the duct."""
    t = np.asarray(temperature, dtype=float)
    return {
        "helmholtz": np.asarray(helmholtz) / np.sqrt(t),
        "mach_outer": np.asarray(mach_outer) + 0 * t,
        "sound_speed_ratio": 1 / np.sqrt(t),
        "density_ratio": t,
    }


class _Arrays:
    """Arrays and modes in one table: each pair of a jet and one of its modes is a case."""

    def __init__(self, arrays: Sequence[FarArray]):
        counts = {len(array.theta) for array in arrays}
        if len(counts) != 1 or any(len(array.phi) != len(array.theta) for array in arrays):
            raise ValueError(f"expected arrays of one number of microphones, got {sorted(counts)}")
        self.modes = np.array([len(array.modes) for array in arrays])
        most = int(self.modes.max())
        self.there = np.arange(most) < self.modes[:, None]
        padded = [[*array.modes, *[(0, 0)] * (most - len(array.modes))] for array in arrays]
        self.m, self.n = np.moveaxis(np.array(padded), -1, 0)
        self.theta = np.array([array.theta for array in arrays])
        phi = np.array([array.phi for array in arrays])
        self.turn = np.exp(1j * phi[:, :, None] * self.m[:, None])  # (array, microphone, mode)
        self.helmholtz = np.array([array.helmholtz for array in arrays])
        self.mach_outer = np.array([array.mach_outer for array in arrays])

    def pairs(self, which: IntArray) -> tuple[IntArray, IntArray]:
        """Numbers of the jet and of the mode of all pairs."""
        case, mode = np.nonzero(self.there[which])
        return case, mode

    def given(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> tuple[list[Any], dict[str, Any]]:
        """m, n, ka, M (pair,), and the stream outside by name."""
        case, mode = self.pairs(which)
        own = which[case]
        outer = stream(self.helmholtz[own], self.mach_outer[own], temperature[case])
        return [self.m[own, mode], self.n[own, mode], outer.pop("helmholtz"), mach[case]], outer

    def shaped(self, which: IntArray, directivity: ComplexArray) -> ComplexArray:
        """(pair, microphone) -> (case, microphone, mode), with the turn around the axis."""
        whole = np.zeros((len(which), self.m.shape[1], self.theta.shape[1]), complex)
        whole[self.pairs(which)] = directivity
        found: ComplexArray = np.swapaxes(whole, 1, 2) * self.turn[which]
        return found

    def all_of(self, which: IntArray, pairs: BoolArray) -> BoolArray:
        """Jets (case,) of which all pairs (pair,) are good."""
        found = np.ones(len(which), bool)
        np.logical_and.at(found, self.pairs(which)[0], pairs)
        return found


class LearnedPatterns(_Arrays):
    """Directivities of the surrogate, with its own derivatives."""

    def __init__(self, model: JetNetwork, arrays: Sequence[FarArray]):
        super().__init__(arrays)
        self.model = model

    def usable(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> BoolArray:
        """Jets (case,) of which the surrogate takes all modes."""
        first, outer = self.given(which, mach, temperature)
        pairs = self.model.usable(*map(torch.from_numpy, (*first, *outer.values())), torch.tensor(1.0))
        return self.all_of(which, pairs)

    def values(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> ComplexArray:
        """See `Patterns`."""
        first, outer = self.given(which, mach, temperature)
        m, n, ka, flow = map(torch.from_numpy, first)
        tensors = {name: torch.from_numpy(one) for name, one in outer.items()}
        with torch.no_grad():
            found = self.model.directivity(m, n, ka, flow, self._angles(which), **tensors)
        return self.shaped(which, found.numpy())

    def slopes(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """See `Patterns`; by automatic differentiation.

        A backward pass gives J^T u, linear in u; its derivative with respect to u is J, for all microphones at once.
        """
        (m, n, ka, mach_of), outer = self.given(which, mach, temperature)
        flow = torch.from_numpy(mach_of).requires_grad_()
        log = torch.zeros(len(m), dtype=torch.float64, requires_grad=True)  # ln T less its value
        root = torch.exp(-0.5 * log)
        streams = {
            "mach_outer": torch.from_numpy(outer["mach_outer"]),
            "sound_speed_ratio": torch.from_numpy(outer["sound_speed_ratio"]) * root,
            "density_ratio": torch.from_numpy(outer["density_ratio"]) * torch.exp(log),
        }
        order, radial, duct = torch.from_numpy(m), torch.from_numpy(n), torch.from_numpy(ka) * root
        value = self.model.directivity(order, radial, duct, flow, self._angles(which), **streams)
        weights = torch.zeros_like(value, requires_grad=True)
        backward = torch.autograd.grad(value, [flow, log], weights, create_graph=True)
        rates = [torch.autograd.grad(one.sum(), weights, retain_graph=True)[0].numpy() for one in backward]
        return self.shaped(which, value.detach().numpy()), np.stack([self.shaped(which, one) for one in rates], axis=1)

    def _angles(self, which: IntArray) -> torch.Tensor:
        return torch.from_numpy(self.theta[which[self.pairs(which)[0]]])


class SolvedPatterns(_Arrays):
    """Directivities of the solver, and their central differences: the reference for `LearnedPatterns`."""

    def usable(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> BoolArray:
        """Jets (case,) of which all modes are cut on."""
        (m, n, ka, flow), _ = self.given(which, mach, temperature)
        cut_on = [
            one > analytic.cut_on_helmholtz(int(abs(a)), int(b), c) for a, b, one, c in zip(m, n, ka, flow, strict=True)
        ]
        return self.all_of(which, np.array(cut_on))

    def values(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> ComplexArray:
        """See `Patterns`."""
        (m, n, ka, flow), outer = self.given(which, mach, temperature)
        owner = which[self.pairs(which)[0]]
        found = np.empty((len(m), self.theta.shape[1]), complex)
        for array in np.unique(owner):
            mine = owner == array
            streams = {name: one[mine] for name, one in outer.items()}
            solved = analytic.sweep(np.abs(m[mine]), n[mine], ka[mine], self.theta[array], mach=flow[mine], **streams)
            found[mine] = solved.directivity
        return self.shaped(which, found)

    def slopes(self, which: IntArray, mach: FloatArray, temperature: FloatArray) -> tuple[ComplexArray, ComplexArray]:
        """See `Patterns`."""
        flow, log = (
            np.concatenate([one + _STEP * shift for shift in shifts])
            for one, shifts in ((mach, (0, 1, -1, 0, 0)), (np.log(temperature), (0, 0, 0, 1, -1)))
        )
        values = self.values(np.tile(which, 5), flow, np.exp(log))
        found = values.reshape(5, len(mach), *values.shape[1:])
        rates: ComplexArray = np.swapaxes(found[[1, 3]] - found[[2, 4]], 0, 1) / (2 * _STEP)
        return found[0], rates
