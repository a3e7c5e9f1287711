"""Pressures of a jet's duct modes at microphones outside the jet, by the surrogate: for `wavenet.study.detection`."""

import numpy as np
import torch
from torch import Tensor

import analytic
from wavenet.far_field import multipoles
from wavenet.jets.near import FARTHEST
from wavenet.jets.network import JetNetwork

# Angle from the axis within which a real jet flows, about [rad]. Pressures outside lack the instability wave, which in
# the linear model grows without bound within 35 to 57 degrees of the axis, and in a real jet decays again.
SPREAD = np.radians(10.0)
# Degrees of the spherical waves beyond K, farther than `FARTHEST`. A jet radiates along its length, by zeros as near as
# 0.03 k to the branch point: coefficients fall by exp(-0.03) a degree there, and 24 as without a jet leave 0.1.
_MORE = 200


class JetRadiation:
    """Modes with a given jet, as the directivity surrogate describes those without one.

    model : JetNetwork, on the CPU. jet : analytic.Jet. hub : radius of the duct's hub [duct radii].
    """

    def __init__(self, model: JetNetwork, jet: analytic.Jet, hub: float = 0.0):
        self.model = model
        self.jet = jet
        names = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")
        self._outer = {name: getattr(jet, name) for name in names} | {"hub": hub}

    def cut_on(self, helmholtz: float, mach: float) -> list[tuple[int, int]]:
        """Cut-on modes (m, n) of the learned orders, with both signs of m."""
        last = int(self.model.config.high[0])
        counts = [analytic.cut_on_orders(helmholtz, m, mach, hub=self._outer["hub"]) for m in range(last + 1)]
        return [(m, n) for m in range(-last, last + 1) for n in range(counts[abs(m)])]

    def unlearned(self, helmholtz: float, mach: float) -> int | None:
        """Smallest azimuthal order that is cut on but was not learned; None if there is none."""
        following = int(self.model.config.high[0]) + 1
        on = analytic.cut_on_orders(helmholtz, following, mach, hub=self._outer["hub"])
        return following if on else None

    def pressure(self, m: Tensor, n: Tensor, helmholtz: float, mach: float, x: Tensor, r: Tensor) -> Tensor:
        """Pressures (mode, microphone) of modes of amplitude one [rho c^2 of the duct's stream] at x, r [radii].

        Up to `FARTHEST` from the lip they are those of `JetNetwork.pressure`, beyond by spherical waves.

        Raises
        ------
        ValueError
            A mode or jet that the network does not take; a microphone in the duct, next to its lip, or in the jet,
            which spreads by `SPREAD`; one beyond `FARTHEST` and more than 150 degrees from the axis.
        """
        inside = (x > 0) & (r < (torch.tan(torch.tensor(SPREAD)) * x).clamp(min=1.0))
        if bool(inside.any()):
            place = f"x = {float(x[inside][0]):.4g}, r = {float(r[inside][0]):.4g} [duct radii]"
            raise ValueError(f"the microphone at {place} is in the jet, which spreads {np.degrees(SPREAD):.0f} degrees")
        pairs, which = torch.unique(torch.stack([m.abs(), n]), dim=1, return_inverse=True)  # +-m are alike
        near = torch.hypot(x, r - 1) <= FARTHEST
        found = torch.empty(pairs.shape[1], len(x), dtype=torch.complex128)
        for chosen, rule in ((near, self._near), (~near, self._far)):
            if bool(chosen.any()):
                some = rule(pairs[0], pairs[1], helmholtz, mach, x[chosen], r[chosen])
                found[:, chosen] = some.to(found.dtype)
        return found[which]

    def _near(self, m: Tensor, n: Tensor, helmholtz: float, mach: float, x: Tensor, r: Tensor) -> Tensor:
        return self.model.pressure(m, n, helmholtz, mach, x, r, **self._outer)

    def _far(self, m: Tensor, n: Tensor, helmholtz: float, mach: float, x: Tensor, r: Tensor) -> Tensor:
        self.model.modes(m, n, helmholtz, mach, *self._outer.values())

        def pattern(order: int, radial: Tensor, _ka: Tensor, _mach: Tensor, theta: Tensor) -> Tensor:
            return self.model.directivity(order, radial, helmholtz, mach, theta, **self._outer)

        k = torch.tensor(helmholtz / self.jet.sound_speed_ratio, dtype=torch.float64)
        flow = torch.tensor(self.jet.mach_outer, dtype=torch.float64)
        closest = FARTHEST - 1.0  # from the middle of the open end
        found = multipoles.pressure(pattern, m, n, k, flow, x, r, closest=closest, more=_MORE)
        # of the potential in a c with c inside: over rho c^2 outside it is C p', C the ratio of sound speeds
        return found * self.jet.density_ratio * self.jet.sound_speed_ratio
