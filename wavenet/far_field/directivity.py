r"""Directivity of every duct mode, without flow or in uniform flow: closed-form factors times a learned smooth part.

With K = ka / sqrt(1 - M^2), s = -K cos(theta), gamma = K sin(theta), kappa_l = sqrt(K^2 - alpha_l^2) the solution is

    D_n = -(-i)^{m+1} / (2 pi) P(kappa_n) P(s) / ((s + kappa_n) gamma H_m'(gamma)),  P(s) = sqrt(K + s) F_plus(s).

F_plus, the kernel's factor, has its zeros at s = -kappa_l: the nulls of the directivity, one of them turned into the
main lobe by s + kappa_n. Without them, the growth towards the axis and the modulus of the products,

    exp(g) = P(s) / (gamma H_m'(gamma) sin(theta)^|m| prod_l (s + kappa_l) / (K + alpha_l)),

g(K, theta) is smooth, even across cut-ons, and the same for every mode of an order m. It is learned as a polynomial in
K and theta for each m. Fields of several modes are sums weighted by their amplitudes.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..arrays import ComplexArray, FloatArray
from .closed_forms import AXIS, BELOW, BEYOND, FURTHER, DirectivityConfig, eigenvalues, slope, unit
from .error_bars import BANDS, LEVELS, band, bars, level, relative_error
from .learning import learned
from .multipoles import CLOSEST, pressure
from .polynomials import of_angle, polynomials

__all__ = ["CLOSEST", "LEVELS", "Directivity", "DirectivityConfig", "mach_corrected_angle", "relative_error"]


class Directivity(nn.Module):
    """Far field of duct modes; zero before `fit`. All results are differentiable in ka, M and the angles.

    A mode that is cut off, an order that was not learned, or a K outside the range raises a ValueError; with
    `extrapolate` set, K may leave its range by a tenth of it.
    """

    coefficients: Tensor
    eigenvalues: Tensor
    slopes: Tensor
    bars: Tensor

    def __init__(self, config: DirectivityConfig):
        super().__init__()
        self.config = config
        self.extrapolate = False
        zeros = [eigenvalues(m, config.high + BEYOND) for m in config.orders]
        self._counts = [len(alpha) for alpha in zeros]
        self._lows = [max(config.low, float(BELOW * alpha[0])) for alpha in zeros]
        self._rows = {m: row for row, m in enumerate(config.orders)}
        table = np.full((len(zeros), max(self._counts)), np.nan)
        for row, alpha in zip(table, zeros, strict=True):
            row[: len(alpha)] = alpha
        pairs = list(zip(config.orders, zeros, strict=True))
        slopes = [np.pad(slope(m, alpha), (0, table.shape[1] - len(alpha))) for m, alpha in pairs]
        self.register_buffer("eigenvalues", torch.from_numpy(table), persistent=False)
        self.register_buffer("slopes", torch.from_numpy(np.array(slopes)), persistent=False)
        shape = len(config.orders), config.degree + 1, config.angles, 2
        self.register_buffer("coefficients", torch.zeros(shape, dtype=torch.float64))
        self.register_buffer("bars", torch.full((BANDS, len(LEVELS)), torch.nan, dtype=torch.float64))

    def fit(self, m: npt.NDArray[np.int64], k: FloatArray, angle: FloatArray, factor: ComplexArray) -> None:
        """Fit to factors F_plus (case, angle) at angles (angle,), for orders m and K (case,); numpy arrays.

        Raises
        ------
        ValueError
            Too few cases of an order, or values that are not finite.
        """
        if not np.all(np.isfinite(factor)):
            raise ValueError(f"factors must be finite, got {factor[~np.isfinite(factor)][0]}")
        for row, (order, low) in enumerate(zip(self.config.orders, self._lows, strict=True)):
            zeros, mine = self.eigenvalues[row].cpu().numpy()[: self._counts[row]], m == order
            found = learned(self.config, order, zeros, low, k[mine], angle, factor[mine])
            self.coefficients[row] = torch.from_numpy(found)

    def calibrate(self, k: FloatArray, found: ComplexArray, exact: ComplexArray) -> None:
        """Error bars from predicted and exact values (case, angle) of modes at K (case,), drawn as those in use.

        Raises
        ------
        ValueError
            Too few cases in a band of K for the highest coverage.
        """
        self.bars.copy_(torch.from_numpy(bars(self.config, k, relative_error(found, exact))))

    def forward(
        self,
        m: npt.ArrayLike | Tensor,
        n: npt.ArrayLike | Tensor,
        helmholtz: npt.ArrayLike | Tensor,
        mach: npt.ArrayLike | Tensor,
        theta: npt.ArrayLike | Tensor,
    ) -> Tensor:
        """Directivity D of modes of amplitude one: phi -> D exp(i K rho) / rho.

        Parameters
        ----------
        m, n, helmholtz, mach : tensors that broadcast to (case,)
            Azimuthal and radial order, ka, Mach number.
        theta : (angle,) or (case, angle) tensor
            Polar angle in the plane (x / beta, r) [rad], 0 downstream, see `mach_corrected_angle`.

        Returns
        -------
        (case, angle) complex tensor
        """
        real, device = self.coefficients.dtype, self.coefficients.device
        ka, flow, angle = (torch.as_tensor(value, dtype=real, device=device) for value in (helmholtz, mach, theta))
        given = (torch.as_tensor(m, device=device), torch.as_tensor(n, device=device), ka, flow)
        orders, radial, ka, flow = torch.broadcast_tensors(*(torch.atleast_1d(value) for value in given))
        orders = orders.abs()
        k = ka / torch.sqrt(1 - flow**2)
        rows = self._expect(orders, radial, k, flow)
        if not torch.all((angle >= 0) & (angle <= np.pi + AXIS)):
            bad = angle[~((angle >= 0) & (angle <= np.pi + AXIS))][0]
            raise ValueError(f"theta must lie in [0, pi] rad, got {float(bad):.6g}")
        along = self._along(k, torch.tensor(self._lows, dtype=real, device=k.device)[rows])
        parts, places = [], []
        for order in torch.unique(orders).tolist():
            chosen = torch.nonzero(orders == order)[:, 0]
            angles = angle if angle.ndim == 1 else angle[chosen]
            parts.append(self._order(order, radial[chosen], k[chosen], along[chosen], angles))
            places.append(chosen)
        return torch.view_as_complex(torch.cat(parts)[torch.argsort(torch.cat(places))])

    def _along(self, k: Tensor, low: float | Tensor) -> Tensor:
        """Polynomials in K; low: least K of the order."""
        return polynomials(unit(k, low, self.config.high), self.config.degree + 1)

    def of_mode(self, m: int, n: int) -> nn.Module:
        """The directivity of one mode as a module: helmholtz, mach (case,) and theta (angle,) -> (case, angle, 2).

        Real tensors, no checks, and only operations that torch.export and torch.onnx.export support.
        """
        if abs(m) not in self._rows or not 0 <= n < self._counts[self._rows[abs(m)]]:
            raise ValueError(
                f"mode ({m}, {n}) was not learned, expected |m| in {self.config.orders} and n from 0 to cut-on"
            )
        return _Mode(self, abs(m), n)

    def core(self, m: Tensor, n: Tensor, helmholtz: float, mach: float, theta: Tensor) -> nn.Linear:
        """Linear layer from the modes' amplitudes to the far field at some angles: the part RAP explains.

        Parameters
        ----------
        m, n : (mode,) int tensors
        helmholtz, mach : floats
        theta : (angle,) tensor

        Returns
        -------
        Linear
            (case, 2 mode) -> (case, 2 angle), with real and imaginary parts interleaved.
        """
        with torch.no_grad():
            found = self(m, n, helmholtz, mach, theta).mT  # (angle, mode)
        layer = nn.Linear(2 * found.shape[1], 2 * found.shape[0], bias=False, dtype=found.real.dtype)
        parts = torch.stack([found.real, -found.imag, found.imag, found.real], dim=-1).unflatten(-1, (2, 2))
        layer.weight = nn.Parameter(parts.transpose(1, 2).flatten(0, 1).flatten(1), requires_grad=False)
        return layer.eval()

    def _order(self, m: int, n: Tensor, k: Tensor, along: Tensor, theta: Tensor) -> Tensor:
        """D of modes of one azimuthal order, (case, angle, 2)."""
        row = self._rows[m]
        alpha = self.eigenvalues[row, : self._counts[row]]
        square = k[:, None] ** 2 - alpha**2
        on = square > 0
        root = torch.sqrt(square.abs())  # kappa, or its imaginary part
        real, imaginary = torch.where(on, root, 0.0), torch.where(on, 0.0, root)  # (case, zero)
        scale = k[:, None] + alpha
        mine = real.gather(1, n[:, None])
        table = self.coefficients[row].flatten(1)
        of_case = (along @ table).unflatten(1, (-1, 2))
        basis = of_angle(theta, self.config.angles)
        if theta.ndim == 1:  # the same angles for all: one small matrix product per case
            log = along @ torch.einsum("kpq,ap->kqa", self.coefficients[row], basis).flatten(1)
            log = log.unflatten(1, (2, -1))
        else:
            log = torch.einsum("cpq,cap->cqa", of_case, basis)
        own_angle = torch.arccos((-mine / k[:, None]).clamp(min=-1 + AXIS))[:, 0]
        own = torch.einsum("cpq,cp->cq", of_case, of_angle(own_angle, self.config.angles))
        # One complex number per case, for the mode itself, and one per angle, both times all zeros but the mode's own.
        # Real and imaginary parts are kept separate: faster, and supported by every export target.
        shift, beyond = real / scale, imaginary / scale
        turn, slope = -((-1j) ** (m + 1)) / (2 * np.pi), torch.view_as_real(self.slopes)[row, n].to(own.dtype)
        others = mine / scale + shift
        size = torch.exp(own[:, 0]) * (alpha[n] / k) ** m / scale.gather(1, n[:, None])[:, 0]
        size = size * torch.prod(torch.sqrt(others**2 + beyond**2), dim=1)
        phase = own[:, 1] + torch.sum(torch.atan2(beyond, others), dim=1)
        first = _times(slope[:, :1], slope[:, 1:], turn.real, turn.imag)
        first = _times(first[0], first[1], (size * torch.cos(phase))[:, None], (size * torch.sin(phase))[:, None])
        s, size = -k[:, None] * torch.cos(theta), torch.exp(log[:, 0]) * torch.sin(theta) ** m
        rest = size * torch.cos(log[:, 1]), size * torch.sin(log[:, 1])
        own_zero = torch.arange(len(alpha), device=n.device) == n[:, None]
        slopes, shifts = torch.where(own_zero, 0.0, 1 / scale), torch.where(own_zero, 1.0, shift)
        beyond = torch.where(own_zero, 0.0, beyond)
        evanescent = [True] * len(alpha) if torch.compiler.is_exporting() else (beyond > 0).any(dim=0).tolist()
        for index, decays in enumerate(evanescent):
            factor = torch.addcmul(shifts[:, index, None], s, slopes[:, index, None])
            if decays:
                rest = _times(rest[0], rest[1], factor, beyond[:, index, None])
            else:
                rest = rest[0] * factor, rest[1] * factor
        return torch.stack(_times(rest[0], rest[1], first[0], first[1]), dim=-1)

    def _expect(self, m: Tensor, n: Tensor, k: Tensor, mach: Tensor) -> Tensor:
        """Rows of the orders; refuses modes that were not learned."""
        config = self.config
        if not torch.all(mach.abs() < 1):
            raise ValueError(f"the flow must be subsonic, got mach={float(mach[~(mach.abs() < 1)][0])}")
        rows = torch.full_like(m, -1)
        for order, row in self._rows.items():
            rows[m == order] = row
        if torch.any(rows < 0):
            raise ValueError(f"m = {int(m[rows < 0][0])} is not among the learned orders {config.orders}")
        good = (n >= 0) & (n < torch.tensor(self._counts, device=n.device)[rows])
        on = good & (self.eigenvalues[rows, torch.where(good, n, 0)] < k)
        slack = FURTHER * (config.high - config.low) if self.extrapolate else 0.0
        inside = (k >= config.low - slack) & (k <= config.high + slack)
        for fine, what in ((inside, "is outside the training range"), (on, "is not cut on")):
            if not torch.all(fine):
                case = int(torch.nonzero(~fine)[0])
                raise ValueError(
                    f"mode ({int(m[case])}, {int(n[case])}) {what} at ka / sqrt(1 - M^2) = {float(k[case]):.4g}; "
                    f"the surrogate has learned modes that are cut on at {config.low:.4g} ... {config.high:.4g}"
                )
        return rows

    def cut_on(self, helmholtz: float, mach: float) -> list[tuple[int, int]]:
        """Cut-on modes (m, n) of the learned orders, with both signs of m."""
        k = helmholtz / np.sqrt(1 - mach**2)
        counts = {m: int(torch.sum(self.eigenvalues[row] < k)) for m, row in self._rows.items()}
        signed = sorted({sign * m for m in counts for sign in (-1, 1)})
        return [(m, n) for m in signed for n in range(counts[abs(m)])]

    def unlearned(self, helmholtz: float, mach: float) -> int | None:
        """Smallest azimuthal order that is cut on but was not learned; None if there is none."""
        k = helmholtz / np.sqrt(1 - mach**2)
        for m in range(int(k) + 1):  # j'_m1 > m
            if m not in self._rows and eigenvalues(m, k).size:
                return m
        return None

    def error_bar(self, helmholtz: float, mach: float, coverage: float = 0.95) -> float:
        """Bound on the relative L2 error over an arc, with this coverage, by split conformal prediction.

        Raises
        ------
        ValueError
            Coverage not in `LEVELS`, K outside the range, or error bars not calibrated.
        """
        k = helmholtz / np.sqrt(1 - mach**2)
        column = level(coverage)
        if not self.config.low <= k <= self.config.high:
            raise ValueError(
                f"there are no error bars at ka / sqrt(1 - M^2) = {k:.4g}, "
                f"only from {self.config.low:.4g} to {self.config.high:.4g}"
            )
        bar = float(self.bars[band(self.config, k), column])
        if np.isnan(bar):
            raise ValueError("the error bars have not been calibrated: call calibrate first")
        return bar

    def pressure(
        self,
        m: npt.ArrayLike | Tensor,
        n: npt.ArrayLike | Tensor,
        helmholtz: float | Tensor,
        mach: float | Tensor,
        x: npt.ArrayLike | Tensor,
        r: npt.ArrayLike | Tensor,
    ) -> Tensor:
        """Pressure of modes of amplitude one at microphones, near or far [rho c^2].

        The directivity is continued to finite distances by spherical waves, see `multipoles`. Beyond five radii the
        error is about 1e-3 up to 120 degrees from the axis and 1e-2 up to 150 degrees.

        Parameters
        ----------
        m, n : (mode,) int tensors
        helmholtz, mach : floats or () tensors
        x, r : (microphone,) tensors [radii]

        Returns
        -------
        (mode, microphone) complex tensor, without the factor exp(i m phi)

        Raises
        ------
        ValueError
            As `forward`, or a microphone too close to the open end or too far behind it.
        """
        device = self.coefficients.device
        orders, radial = (torch.atleast_1d(torch.as_tensor(value, device=device)) for value in (m, n))
        orders, radial = torch.broadcast_tensors(orders.abs(), radial)
        places = (torch.as_tensor(value, dtype=torch.float64, device=device) for value in (helmholtz, mach, x, r))
        return pressure(self, orders, radial, *places)


class _Mode(nn.Module):
    """See `Directivity.of_mode`."""

    def __init__(self, model: Directivity, m: int, n: int):
        super().__init__()
        self.model, self._m, self._n = model, m, n

    def forward(self, helmholtz: Tensor, mach: Tensor, theta: Tensor) -> Tensor:
        k = helmholtz / torch.sqrt(1 - mach**2)
        n = torch.full(k.shape, self._n, dtype=torch.int64, device=k.device)
        along = self.model._along(k, self.model._lows[self.model._rows[self._m]])
        return self.model._order(self._m, n, k, along, theta)


def mach_corrected_angle(theta: npt.ArrayLike | Tensor, mach: npt.ArrayLike | Tensor) -> Tensor:
    """Polar angle in the plane (x / beta, r) of a geometric polar angle, tan -> beta tan."""
    theta, mach = torch.as_tensor(theta), torch.as_tensor(mach)
    return torch.atan2(torch.sqrt(1 - mach**2) * torch.sin(theta), torch.cos(theta))


def _times(a: Tensor, b: Tensor, c: Tensor | float, d: Tensor | float) -> tuple[Tensor, Tensor]:
    """(a + i b) (c + i d)."""
    return a * c - b * d, a * d + b * c
