"""Near field outside a duct with a thick wall by the correction network, beside the exact field of a thin one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

import analytic
from analytic.checks import finite_array
from data.elements import Lip
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.lips.near import AHEAD, BEHIND, CLOSEST, RADIUS, Near, NearNetwork
from wavenet.runs import load_as

from . import thick_wall
from .lips import thin_ducts

_STEP = 0.02, 0.005  # of differences in X, over 1 / K, and at most [radii]: they leave about 1e-8 and rounding 1e-7
_STENCIL = np.array([0.0, -2.0, -1.0, 1.0, 2.0])  # in steps, and the slope of fourth order there, times the step
_SLOPE = np.array([0.0, 1 / 12, -2 / 3, 2 / 3, -1 / 12])
_MOST = 10_000  # points of a call: of five places each, and all modes


@dataclass(frozen=True)
class LipNearField:
    """Field of all cut-on modes of one azimuthal order at points outside a duct with a thick wall.

    orders : (order,) radial orders. x, r : (point,) [radii]. potential, thin_potential, pressure, thin_pressure :
    (order, point) complex, psi [a c] and p [rho c^2] with the lip by the network and of the thin wall, exact, of
    incident amplitude one at the wall, x = 0. potential_bar, pressure_bar : (order, point), their errors, each not
    exceeded with the probability `coverage`. inside : (point,), whether the point and all parameters of the duct are in
    the range of the training.
    """

    orders: npt.NDArray[np.int64]
    x: FloatArray
    r: FloatArray
    potential: ComplexArray
    thin_potential: ComplexArray
    pressure: ComplexArray
    thin_pressure: ComplexArray
    potential_bar: FloatArray
    pressure_bar: FloatArray
    coverage: float
    inside: npt.NDArray[np.bool_]


def load_network(run: str | Path | None = None) -> NearNetwork:
    """The network of a run, by default the shipped one.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the task lip_near.
    """
    return load_as(run, "lip_near", NearNetwork, "network lip_near")[0]


# long: the description
def predict_near(
    m: int,
    helmholtz: float,
    mach: float,
    lip: Lip,
    x: npt.ArrayLike,
    r: npt.ArrayLike,
    *,
    model: NearNetwork | None = None,
    coverage: float = 0.95,
) -> LipNearField:
    """Field of all cut-on modes (m, n) at points outside a duct whose lip has a shape.

    Parameters
    ----------
    m : int
        Azimuthal order.
    helmholtz : float
        Helmholtz number ka [-].
    mach : float
        Mach number of a uniform flow, positive towards the open end.
    lip : Lip
        Flat, round or elliptic.
    x, r : (point,) arrays
        Points in x >= 0, or beyond the outer wall, r >= 1 + thickness [radii].
    model : NearNetwork, optional
        By default the one that comes with the package.
    coverage : float
        Of the error bars, one of `wavenet.far_field.error_bars.LEVELS`.

    Returns
    -------
    LipNearField

    Raises
    ------
    ValueError
        No mode is cut on, a point in the duct, in the wall or at its edge, a coverage that is not taken, or a lip of
        another shape.
    ConvergenceError
        The exact field of the thin wall misses its tolerance.
    """
    model = load_network() if model is None else model
    x, r = _points(x, r, lip)
    ducts = thin_ducts([m], [helmholtz], [mach], [lip], np.zeros(0), np.zeros(0))
    beta, k, orders = float(np.sqrt((1 - mach) * (1 + mach))), float(ducts.k[0]), np.arange(ducts.live.shape[1])
    step = min(_STEP[0] / k, _STEP[1])
    stencil = _STENCIL if mach else _STENCIL[:1]  # without flow the pressure needs no slope
    places = (x / beta + step * stencil[:, None]).ravel(), np.tile(r, len(stencil))
    first = analytic.solve(analytic.DuctMode(m, 0, helmholtz, mach=mach))
    exact = [first, *(first.incident(analytic.DuctMode(m, int(n), helmholtz, mach=mach)) for n in orders[1:])]
    fields = [one.at(beta * places[0], places[1]) for one in exact]
    turn = np.exp(1j * k * mach * places[0])  # psi = phi exp(-i K M X)
    phi = np.array([one.potential for one in fields]) * turn
    slope = beta * np.array([one.axial_velocity for one in fields]) * turn + 1j * k * mach * phi
    near = Near(ducts, *(torch.from_numpy(array)[None] for array in (*places, phi, slope)))
    with torch.no_grad():
        found = model(near)
        bar = model.error_bar(found, coverage)[0, :, : len(x)].numpy()
    across = found.potential[0].numpy().reshape(len(orders), len(stencil), -1)
    along = np.einsum("ops,p->os", across, _SLOPE / step) if mach else np.zeros_like(across[:, 0])
    turn = turn[: len(x)].conj()
    return LipNearField(
        orders=orders,
        x=x,
        r=r,
        potential=across[:, 0] * turn,
        thin_potential=np.array([one.potential[: len(x)] for one in fields]),
        pressure=(1j * k * across[:, 0] - mach * along) * turn / beta,
        thin_pressure=np.array([one.pressure[: len(x)] for one in fields]),
        potential_bar=bar,
        pressure_bar=(1 + abs(mach)) * k / beta * bar,  # waves along x at most
        coverage=coverage,
        inside=_inside(model, near, x, r),
    )


@dataclass(frozen=True)
class NearPoint:
    """Pressure [rho c^2] of one mode at a point, with the lip by the network and of the thin wall, exact.

    error_bar : not exceeded with the probability that was asked for; None outside of the training's range.
    """

    x: float
    r: float
    pressure: complex
    thin_pressure: complex
    error_bar: float | None


def of_mode(
    source: analytic.DuctMode,
    lip: Lip,
    points: Sequence[tuple[float, float]],
    *,
    model: NearNetwork | None = None,
    coverage: float = 0.95,
    extrapolate: bool = False,
) -> list[NearPoint]:
    """Pressures of one mode at points x, r; arguments otherwise as for `lip_prediction.predict`.

    Raises
    ------
    ValueError
        As `predict_near`; the duct has a hub, the mode is cut off, or a point or a parameter is outside of the range of
        the training, unless it is to be extrapolated.
    """
    thick_wall.check(source, lip)
    model = load_network() if model is None else model
    x, r = np.array(points, dtype=float).reshape(-1, 2).T
    found = predict_near(source.m, source.helmholtz, source.mach, lip, x, r, model=model, coverage=coverage)
    bad = np.flatnonzero(~found.inside)
    if len(bad) and not extrapolate:
        raise ValueError(
            f"the point x = {x[bad[0]]:g}, r = {r[bad[0]]:g} of lip {lip} at m = {source.m}, ka = "
            f"{source.helmholtz:.6g}, M = {source.mach:.4g} is outside the training range of near fields: -{BEHIND} <= "
            f"x <= {AHEAD}, r <= {RADIUS}, and the duct's as for far fields, about"
        )
    n = source.n
    return [
        NearPoint(
            float(x[point]),
            float(r[point]),
            complex(found.pressure[n, point]),
            complex(found.thin_pressure[n, point]),
            float(found.pressure_bar[n, point]) if found.inside[point] else None,
        )
        for point in range(len(x))
    ]


def _points(x: npt.ArrayLike, r: npt.ArrayLike, lip: Lip) -> tuple[FloatArray, FloatArray]:
    """Points outside the duct: (point,) each."""
    x, r = np.broadcast_arrays(np.atleast_1d(finite_array(x, "x")), np.atleast_1d(finite_array(r, "r")))
    if x.ndim != 1 or len(x) > _MOST:
        raise ValueError(f"x and r must be one-dimensional and have up to {_MOST} points, got the shape {x.shape}")
    if not np.all(r >= 0):
        raise ValueError(f"r must not be negative, got {r.min():g}")
    outer = 1 + lip.thickness
    edge = np.hypot(x, r - np.clip(r, 1, outer)) < CLOSEST
    for bad, where in (
        ((x < 0) & (r < outer), f"in the duct or its wall; the network knows x >= 0 and r >= {outer:g}"),
        (edge, f"within {CLOSEST} radii of the wall's edge, where the network knows no field"),
    ):
        if np.any(bad):
            raise ValueError(f"the point x = {x[bad][0]:g}, r = {r[bad][0]:g} is {where}")
    return x, r


def _inside(model: NearNetwork, near: Near, x: FloatArray, r: FloatArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (x <= AHEAD) & (x >= -BEHIND) & (r <= RADIUS)
    return found & bool(near.ducts.within(model.config.low, model.config.high))
