"""The mode that the controls of `wavenet explore` describe."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import analytic
from data.elements import Lip

from .thick_wall import check

FLOWS = {"none": "no flow", "uniform": "uniform flow", "jet": "jet"}
WALLS = {"hard": "hard wall", "lined": "liner", "thick": "thick wall"}
LIPS = {"flat": Lip.flat, "round": Lip.round}
ZERO_CELSIUS = 273.15  # [K]
# What stays quick, and what the grid of a near field can resolve.
_LARGEST = {"m": 30, "n": 12, "helmholtz": 60.0, "liner_length": 8.0, "liner_distance": 8.0}
WORDS = {
    "m": "azimuthal order m",
    "n": "radial order n",
    "helmholtz": "Helmholtz number ka",
    "frequency": "frequency f",
    "radius": "duct radius a",
    "temperature": "temperature T",
    "hub": "hub radius h",
    "mach": "Mach number M",
    "mach_outer": "outer Mach number",
    "sound_speed_ratio": "sound speed ratio",
    "density_ratio": "density ratio",
    "kutta": "Kutta parameter",
    "resistance": "resistance Re Z",
    "reactance": "reactance Im Z",
    "liner_length": "liner's length",
    "liner_distance": "liner's distance",
    "thickness": "wall's thickness",
}
OUTER = ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")
LINER = ("resistance", "reactance", "liner_length", "liner_distance")


@dataclass(frozen=True)
class Mode:
    """What everything on the page depends on: one duct mode, what flows, the liners, and the lip of a thick wall."""

    source: analytic.DuctMode
    jet: analytic.Jet | None = None
    liners: tuple[analytic.Liner, ...] = ()
    lip: Lip | None = None

    # long: the parameters' description
    @classmethod
    def of(
        cls,
        m: Any,
        n: Any,
        helmholtz: Any = None,
        mach: Any = 0.0,
        flow: str = "uniform",
        instability: bool = False,
        *,
        hub: Any = 0.0,
        liner: Mapping[str, Any] | None = None,
        lip: Mapping[str, Any] | None = None,
        duct: Mapping[str, Any] | None = None,
        **jet: Any,
    ) -> "Mode":
        """From the values of controls: numbers, None where one is empty.

        Parameters
        ----------
        m, n, helmholtz, mach, hub : numbers
            As for `analytic.DuctMode`.
        flow : str
            A key of `FLOWS`; only with "jet" `instability` and `jet` matter, the parameters of `analytic.Jet`.
        liner : mapping, optional
            resistance, reactance: Re Z and Im Z for exp(-i omega t); liner_length, liner_distance [duct radii]; and
            surface_wave, see `analytic.Liner`.
        lip : mapping, optional
            kind, a key of `LIPS`, and thickness [duct radii] of the wall.
        duct : mapping, optional
            radius [m], temperature [degC], and frequency [Hz], which takes the place of `helmholtz` unless it is None.

        Raises
        ------
        ValueError
            A number is missing, or outside of what the page or the solver takes.
        """
        if flow not in FLOWS:
            raise ValueError(f"the flow must be one of {', '.join(FLOWS)}, got {flow}")
        mach = 0.0 if flow == "none" else mach
        needed: dict[str, Any] = {"m": m, "n": n, "hub": hub, "mach": mach} | (jet if flow == "jet" else {})
        needed |= {name: liner.get(name) for name in LINER} if liner else {}
        needed |= {"thickness": lip.get("thickness")} if lip else {}
        by_frequency = duct is not None and duct.get("frequency") is not None
        needed |= {} if by_frequency else {"helmholtz": helmholtz}
        needed |= {name: duct.get(name) for name in ("radius", "temperature")} if duct else {}
        for name, value in needed.items():
            if value is None:
                raise ValueError(f"the {WORDS[name]} is missing: type a number")
        stream = _stream(duct, hub, mach) if duct else None
        if by_frequency:
            assert stream is not None
            assert duct is not None
            helmholtz = stream.helmholtz(duct["frequency"])
        for name, value in (needed | {"helmholtz": helmholtz}).items():
            if abs(value) > _LARGEST.get(name, math.inf) and not (name == "liner_length" and value == math.inf):
                raise ValueError(f"the {WORDS[name]} goes up to {_LARGEST[name]:g} on this page, got {value:.6g}")
        # DuctMode refuses fractions, which int would cut off.
        source = analytic.DuctMode(m, n, float(helmholtz), float(mach), float(hub))
        if stream is not None:
            source = analytic.PhysicalMode(source.m, source.n, source.helmholtz, source.mach, stream.hub, duct=stream)
        liners = (_liner(liner, source.mach),) if liner else ()
        shape = _lip(lip, source, flow) if lip else None
        return cls(source, analytic.Jet(**jet, instability=instability) if flow == "jet" else None, liners, shape)

    @property
    def in_jet(self) -> bool:
        """Whether the duct opens into a jet."""
        return self.jet is not None

    @property
    def outer(self) -> dict[str, float]:
        """Parameters of the fluid outside and of the lip by name, as `analytic.Jet` has them; none without a jet."""
        return {name: getattr(self.jet, name) for name in OUTER} if self.in_jet else {}

    @property
    def growing(self) -> bool:
        """Whether the near field has a jet's growing wave."""
        return self.jet is not None and self.jet.instability

    @property
    def front(self) -> float:
        """Where the mode has its amplitude: x of the first liner's front, or of the lip [radii]."""
        return -sum(length for one in self.liners for length in (one.length, one.distance) if length < math.inf)

    @property
    def grows(self) -> bool:
        """Whether the field has a wave that grows or decays exponentially: one that is cut off, a lined one from
        -infinity, or an instability of a jet or over a liner.
        """
        lined = any(one.length == math.inf or one.surface_wave == "unstable" for one in self.liners)
        return not self.source.cut_on or self.growing or lined

    @property
    def cut_on_helmholtz(self) -> float:
        """Helmholtz number above which the mode propagates in the duct."""
        source = self.source
        return analytic.cut_on_helmholtz(source.m, source.n, source.mach, hub=source.hub)


def _stream(duct: Mapping[str, Any], hub: float, mach: float) -> analytic.PhysicalDuct:
    """The stream in a duct in SI units; hub in radii."""
    radius = float(duct["radius"])
    temperature = float(duct["temperature"]) + ZERO_CELSIUS
    return analytic.PhysicalDuct.filled(radius, temperature=temperature, mach=float(mach), hub_radius=hub * radius)


def _lip(given: Mapping[str, Any], source: analytic.DuctMode, flow: str) -> Lip:
    """The lip; a duct that no lip is solved for is refused."""
    if flow == "jet" or source.hub:
        raise ValueError("a wall with a thickness goes with neither a jet nor a hub")
    shape = LIPS[given["kind"]](float(given["thickness"]))
    check(source, shape)
    return shape


def _liner(given: Mapping[str, Any], mach: float) -> analytic.Liner:
    """The liner; its surface wave is of no matter without flow, or with Im Z <= 0, where it decays."""
    impedance = complex(given["resistance"], given["reactance"])
    needed = mach != 0 and impedance.imag > 0
    return analytic.Liner(
        impedance,
        float(given["liner_length"]),
        float(given["liner_distance"]),
        given.get("surface_wave") if needed else None,
    )


def shortest_waves(mode: Mode, instability: complex = 0j) -> tuple[float, float]:
    """Shortest wavelengths in the near field, along x and along r [radii].

    Of sound against the flow, of the mode's own radial oscillations, and of a jet's growing wave: instability, its
    axial wavenumber.
    """
    source, jet = mode.source, mode.jet
    streams = [(source.helmholtz, abs(source.mach))]
    if jet is not None:
        streams.append((source.helmholtz / jet.sound_speed_ratio, jet.mach_outer))
    along = max(ka / (1 - mach) for ka, mach in streams)
    alpha = float(analytic.radial_eigenvalue(source.m, source.n, hub=source.hub))
    across = max(alpha, *(ka / np.sqrt(1 - mach**2) for ka, mach in streams))
    return 2 * np.pi / max(along, abs(instability.real)), 2 * np.pi / across
