"""The surrogate of jets where the solver is at hand: far field of one mode, and a sweep that leaves it the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

import analytic
from wavenet.arrays import BoolArray, ComplexArray, FloatArray
from wavenet.jets import load_high
from wavenet.jets.network import JetNetwork
from wavenet.runs import load_as

from .prediction import Prediction
from .solution import far_field


@dataclass(frozen=True)
class JetSweep:
    """Fields of many modes with jets.

    directivity : (case, angle), reflection : (case,) of the potential into the incident mode itself, both complex.
    learned : (case,) bool, whether a case is by the surrogate; the others are the solver's. high : (case,) bool, which
    of these are by the network of the high domain.
    """

    directivity: ComplexArray
    reflection: ComplexArray
    learned: BoolArray
    high: BoolArray


def load_network(run: str | Path | None = None) -> JetNetwork:
    """The surrogate of a run, by default the shipped one.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the jet_factor task.
    """
    return load_as(run, "jet_factor", JetNetwork, "network jet")[0]


def network_for(source: analytic.DuctMode, jet: analytic.Jet, run: str | Path | None = None) -> JetNetwork:
    """The surrogate of a run; of the shipped ones that of the high domain if only that takes the mode.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the jet_factor task.
    """
    model = load_network(run)
    if run is not None:
        return model
    given = (source.m, source.n, source.helmholtz, source.mach, *_outer(jet).values(), source.hub)
    high = load_high()
    return high if high.usable(*given)[0] and not model.usable(*given)[0] else model


def _outer(jet: analytic.Jet) -> dict[str, float]:
    return {name: getattr(jet, name) for name in ("mach_outer", "sound_speed_ratio", "density_ratio", "kutta")}


def predict(
    model: JetNetwork,
    source: analytic.DuctMode,
    jet: analytic.Jet,
    degrees: FloatArray,
    *,
    coverage: float = 0.95,
    loudness: Mapping[str, float] | None = None,
) -> Prediction:
    """Far field of a mode with a jet at some physical angles; parameters as for `wavenet.study.prediction.predict`.

    Raises
    ------
    ValueError
        A mode, jet or coverage that the network does not take.
    """
    outer = _outer(jet) | {"hub": source.hub}

    def directivity(theta: FloatArray) -> ComplexArray:
        with torch.no_grad():
            angle = torch.from_numpy(theta)
            return model.directivity(source.m, source.n, source.helmholtz, source.mach, angle, **outer)[0].cpu().numpy()

    found = far_field(source, degrees, directivity, mach=jet.mach_outer, density=jet.density_ratio, loudness=loudness)
    bar = model.error_bar(source.m, source.helmholtz, source.mach, coverage, hub=source.hub)
    return Prediction(found, bar, coverage)


def or_solve(
    model: JetNetwork,
    m: npt.ArrayLike,
    n: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    theta: npt.ArrayLike,
    *,
    mach: npt.ArrayLike,
    mach_outer: npt.ArrayLike = 0.0,
    sound_speed_ratio: npt.ArrayLike = 1.0,
    density_ratio: npt.ArrayLike = 1.0,
    kutta: npt.ArrayLike = 1.0,
    hub: npt.ArrayLike = 0.0,
    high: JetNetwork | None = None,
) -> JetSweep:
    """Directivities and reflections of many modes: by the surrogate where it has learned, else by the solver.

    Parameters
    ----------
    model : JetNetwork
    m, n, helmholtz, mach, mach_outer, sound_speed_ratio, density_ratio, kutta, hub : broadcast to (case,)
        As for `analytic.sweep`.
    high : JetNetwork, optional
        Surrogate of the high domain, `wavenet.jets.load_high`, for jets that the model does not take.
    theta : (angle,) array
        Angles of the outer stream's plane (x / beta, r) [rad].

    Raises
    ------
    ValueError, ConvergenceError
        As for `analytic.sweep`.
    """
    given = np.broadcast_arrays(
        *map(np.atleast_1d, (m, n, helmholtz, mach, mach_outer, sound_speed_ratio, density_ratio, kutta, hub))
    )
    names = ("mach", "mach_outer", "sound_speed_ratio", "density_ratio", "kutta", "hub")
    angle = np.asarray(theta, dtype=float)
    tensors = [torch.from_numpy(one.copy()) for one in given]
    low = model.usable(*tensors)
    above = np.zeros_like(low) if high is None else high.usable(*tensors) & ~low
    learned = low | above
    directivity = np.empty((len(learned), len(angle)), complex)
    reflection = np.empty(len(learned), complex)
    for network, mine in ((model, low), (high, above)):
        if network is None or not np.any(mine):
            continue
        order, radial, ka, *rest = (one[torch.from_numpy(mine)] for one in tensors)
        outer = dict(zip(names, rest, strict=True))
        flow = outer.pop("mach")
        with torch.no_grad():
            found = network.fields(order, radial, ka, flow, torch.from_numpy(angle), **outer)
        directivity[mine] = found[0].cpu().numpy()
        reflection[mine] = found[1].cpu().gather(1, radial[:, None].long())[:, 0].numpy()
    if not np.all(learned):
        left = [one[~learned] for one in given]
        streams: dict[str, Any] = dict(zip(names, left[3:], strict=True))
        solved = analytic.sweep(left[0], left[1], left[2], angle, **streams)
        directivity[~learned], reflection[~learned] = solved.directivity, solved.reflection
    return JetSweep(directivity, reflection, learned, above)
