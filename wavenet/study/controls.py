"""The mode that the controls of `wavenet explore` describe."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import analytic

FLOWS = {"none": "no flow", "uniform": "uniform flow", "jet": "jet"}
_LARGEST = {"m": 30, "n": 12, "helmholtz": 60.0}  # what stays quick, and is resolved by the grid
_WORDS = {
    "m": "azimuthal order m",
    "n": "radial order n",
    "helmholtz": "Helmholtz number ka",
    "mach": "Mach number M",
    "mach_outer": "outer Mach number",
    "sound_speed_ratio": "sound speed ratio",
    "density_ratio": "density ratio",
    "kutta": "Kutta parameter",
}


@dataclass(frozen=True)
class Mode:
    """One duct mode and what flows: what everything on the page depends on."""

    source: analytic.DuctMode
    jet: analytic.Jet | None = None

    @classmethod
    def of(
        cls,
        m: Any,
        n: Any,
        helmholtz: Any,
        mach: Any = 0.0,
        flow: str = "uniform",
        instability: bool = False,
        **jet: Any,
    ) -> "Mode":
        """From the values of controls: numbers, None where one is empty; `jet` has the numbers of `analytic.Jet`.

        Raises
        ------
        ValueError
            A number is missing, or outside of what the page or the solver takes.
        """
        if flow not in FLOWS:
            raise ValueError(f"the flow must be one of {', '.join(FLOWS)}, got {flow}")
        mach = 0.0 if flow == "none" else mach
        needed: dict[str, Any] = {"m": m, "n": n, "helmholtz": helmholtz, "mach": mach} | (jet if flow == "jet" else {})
        for name, value in needed.items():
            if value is None:
                raise ValueError(f"the {_WORDS[name]} is missing: type a number")
            if abs(value) > _LARGEST.get(name, np.inf):
                raise ValueError(f"the {_WORDS[name]} goes up to {_LARGEST[name]:g} on this page, got {value:g}")
        m, n, helmholtz, mach = (needed[name] for name in ("m", "n", "helmholtz", "mach"))
        source = analytic.DuctMode(m, n, float(helmholtz), float(mach))  # refuses fractions, which int would cut off
        source = analytic.DuctMode(int(m), int(n), source.helmholtz, source.mach)
        if flow != "jet":
            return cls(source)
        return cls(source, analytic.Jet(**jet, instability=instability))

    @property
    def in_jet(self) -> bool:
        """Whether the duct opens into a jet."""
        return self.jet is not None

    @property
    def cut_on_helmholtz(self) -> float:
        """Helmholtz number above which the mode propagates in the duct."""
        return analytic.cut_on_helmholtz(self.source.m, self.source.n, self.source.mach)
