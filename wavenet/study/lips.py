"""Ducts with a thick wall by the correction network: the exact solution of a thin wall, and what the lip changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from analytic.cases import broadcast
from analytic.checks import check_angles
from analytic.factorisation import Factorisation
from analytic.media import uniform_far_field
from analytic.media.uniform import coupling
from analytic.section import Section
from data.elements import Lip
from wavenet.arrays import ComplexArray, FloatArray
from wavenet.lips import parts
from wavenet.lips.ducts import Ducts, gauss
from wavenet.lips.network import LipNetwork
from wavenet.runs import load_as

GAUSS = 64  # angles of the power balance, and those that are given if none are asked for
_SHAPES = ("flat", "round", "elliptic")


@dataclass(frozen=True)
class LipPrediction:
    """Sound of all cut-on modes of one azimuthal order that leaves a duct with a thick wall.

    orders : (order,) radial orders. wavenumber : (order,), kappa in X = x / sqrt(1 - M^2). theta : (angle,) [rad], in
    the (X, r) plane. reflection, thin_reflection : (order, order) complex, potentials at x = 0, [incident, reflected],
    with the lip and with a thin wall. directivity, thin_directivity : (order, angle) complex. reflection_bar :
    (order,), of the row of R in power amplitudes, absolute; directivity_bar : (order,), relative over the sphere: not
    exceeded with the probability `coverage`. inside : whether all parameters are in the range of the training.
    """

    orders: npt.NDArray[np.int64]
    wavenumber: FloatArray
    theta: FloatArray
    reflection: ComplexArray
    thin_reflection: ComplexArray
    directivity: ComplexArray
    thin_directivity: ComplexArray
    reflection_bar: FloatArray
    directivity_bar: FloatArray
    coverage: float
    inside: bool


def load_network(run: str | Path | None = None) -> LipNetwork:
    """The network of a run, by default the shipped one.

    Raises
    ------
    FileNotFoundError, ValueError
        Not a run of the lip task.
    """
    return load_as(run, "lip", LipNetwork, "network lip")[0]


def predict_lip(
    m: int,
    helmholtz: float,
    mach: float,
    lip: Lip,
    *,
    theta: npt.ArrayLike | None = None,
    model: LipNetwork | None = None,
    coverage: float = 0.95,
) -> LipPrediction:
    """Sound of all cut-on modes (m, n) of a duct whose lip has a shape.

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
    theta : (angle,) array, optional
        Polar angles in the (X, r) plane [rad], in [0, pi]; by default Gauss's nodes.
    model : LipNetwork, optional
        By default the one that comes with the package.
    coverage : float
        Of the error bars, one of `wavenet.far_field.error_bars.LEVELS`.

    Returns
    -------
    LipPrediction

    Raises
    ------
    ValueError
        No mode is cut on, an angle or a coverage that is not taken, or a lip of another shape.
    """
    model = load_network() if model is None else model
    angles, weight, wanted = _angles(theta)
    ducts = thin_ducts([m], [helmholtz], [mach], [lip], angles, weight)
    with torch.no_grad():
        found = model(ducts)
        bars = model.error_bar(found, coverage)
    thin = parts.potentials(ducts, ducts.reflection)[0].numpy()
    return LipPrediction(
        orders=np.arange(ducts.wavenumber.shape[1]),
        wavenumber=ducts.wavenumber[0].numpy(),
        theta=angles[wanted],
        reflection=found.reflection[0].numpy(),
        thin_reflection=thin,
        directivity=found.directivity[0].numpy()[:, wanted],
        thin_directivity=ducts.directivity[0].numpy()[:, wanted],
        reflection_bar=bars[0][0].numpy(),
        directivity_bar=bars[1][0].numpy(),
        coverage=coverage,
        inside=bool(ducts.within(model.config.low, model.config.high)),
    )


def _angles(theta: npt.ArrayLike | None) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Gauss's nodes and the angles asked for, ascending; their weights, and where those asked for are."""
    nodes, weights = gauss(GAUSS)
    asked = nodes if theta is None else np.atleast_1d(check_angles(theta))
    if asked.ndim != 1:
        raise ValueError(f"theta must be one-dimensional, got the shape {asked.shape}")
    angles = np.union1d(nodes, asked)
    weight = np.zeros_like(angles)
    weight[np.searchsorted(angles, nodes)] = weights
    return angles, weight, np.searchsorted(angles, asked)


def thin_ducts(
    m: npt.ArrayLike,
    helmholtz: npt.ArrayLike,
    mach: npt.ArrayLike,
    lips: Sequence[Lip],
    theta: FloatArray,
    weight: FloatArray,
) -> Ducts:
    """Ducts with lips and their exact solutions for a thin wall, all cut-on modes: what the network takes.

    m, helmholtz, mach : (case,). lips : of each case. theta, weight : (angle,), as in `Ducts`.

    Raises
    ------
    ValueError
        No mode of a case is cut on, or a parameter is out of its range.
    """
    orders, k, beta, counts = _checked(m, helmholtz, mach, lips)
    most = int(counts.max())
    own, wavenumber = np.zeros((len(k), most), complex), np.zeros((len(k), most))
    directivity = np.zeros((len(k), most, len(theta)), complex)
    for order in np.unique(orders):
        chosen = np.flatnonzero(orders == order)
        case, n = np.nonzero(np.arange(most) < counts[chosen, None])
        wavenumber[chosen[case], n], own[chosen[case], n], directivity[chosen[case], n] = _of_order(
            int(order), k[chosen], case, n, theta
        )
    thickness = np.array([lip.thickness for lip in lips])
    length = np.array([lip.length for lip in lips]) / beta
    return Ducts(
        torch.from_numpy(orders.astype(np.int64)),
        *(torch.from_numpy(array) for array in (k, thickness, length, wavenumber, own, directivity, theta, weight)),
    )


def _checked(
    m: npt.ArrayLike, helmholtz: npt.ArrayLike, mach: npt.ArrayLike, lips: Sequence[Lip]
) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """|m|, K, sqrt(1 - M^2) and the number of cut-on modes: (case,) each."""
    cases = broadcast(m, 0, helmholtz, mach, 0.0, {})
    if len(lips) != len(cases):
        raise ValueError(f"expected a lip of each of the {len(cases)} ducts, got {len(lips)}")
    for lip in lips:
        if lip.kind not in _SHAPES:
            raise ValueError(f"the network knows lips that are {', '.join(_SHAPES)}, got {lip}")
    orders, beta = np.abs(cases.m), np.sqrt((1 - cases.mach) * (1 + cases.mach))
    k = cases.helmholtz / beta
    counts = np.zeros(len(k), dtype=int)
    for order in np.unique(orders):
        mine = orders == order
        alpha = Section(int(order)).eigenvalues(int(k[mine].max() / np.pi) + 2)
        counts[mine] = np.searchsorted(alpha, k[mine])  # alpha < K
    if not np.all(counts):
        bad = int(np.argmin(counts))
        raise ValueError(f"no mode of order m = {orders[bad]} is cut on at helmholtz = {cases.helmholtz[bad]}")
    return orders, k, beta, counts


def _of_order(
    m: int, k: FloatArray, case: npt.NDArray[np.int64], n: npt.NDArray[np.int64], theta: FloatArray
) -> tuple[FloatArray, ComplexArray, ComplexArray]:
    """kappa, R_nn and D of modes n of some cases of one order: (mode,), (mode,), (mode, angle)."""
    section = Section(m)
    alpha = section.eigenvalues(int(n.max()) + 1)[n]
    kappa = np.sqrt((k[case] - alpha) * (k[case] + alpha))
    width = int(n.max()) + 1
    at = np.ones((len(k), width)) * k[:, None]
    at[case, n] = kappa
    cosine, index = np.unique(np.abs(np.cos(theta)).round(15), return_inverse=True)
    log_plus = Factorisation(section, k).log_plus(np.concatenate([at, k[:, None] * cosine], axis=1) + 0j)[0]
    half = np.sqrt(k[case] + kappa) * np.exp(0.25j * np.pi + log_plus[case, n])
    own = coupling(half, half, kappa, kappa, section.norm(alpha))
    column = None, slice(None), None
    far = uniform_far_field.directivity(
        section,
        k[case][:, None],
        theta,
        alpha[column],
        kappa[column] + 0j,
        0.5j * half[column],
        log_plus[:, width:][:, index][case],
    )
    return kappa, own, far
