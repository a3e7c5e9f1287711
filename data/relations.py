"""Relations between the arrays of a case that hold whatever its parameters: what contradicts them is no solution.

Each function takes arrays of some cases, by name, and the positions, and returns for every relation how far the cases
miss it and how far they may, (case,) each and relative to the same size.
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import jnp_zeros

from .arrays import Array, ComplexArray, FloatArray

Misfits = dict[str, tuple[FloatArray, FloatArray]]  # relation -> misfits, and what is allowed
_RESOLVED = 1.0  # k h up to which differences tell: beyond about two, points may alias a wave
_NEAR = 0.25  # radii around the lip that are left out, since velocities grow without bound there
_LIP_CELLS = 4  # the same in spacings of coarse grids
_OVERSAMPLED, _LEAST_ANGLES = 3.0, 12  # angles over K and beyond, from which the sphere's quadrature is that exact:
_SPHERE = 2e-6  # twice what the thin wall's directivities miss for ka up to 15
_EIGENVALUE = 1e-8  # relative error of the zeros; the solver's and scipy's have 1e-14


def velocities(arrays: Mapping[str, Array]) -> Misfits:
    """u = dpsi/dx, v = dpsi/dr and p = i ka psi - M u of near fields on a grid, as far as the grid resolves the waves.

    The integral of a velocity from one point to the next is compared with the difference of the potential: by the
    trapezoidal rule with its end correction, whose size bounds the error that is allowed. Intervals next to the lip or
    across the wall, hub or sheet are left out.
    """
    cases = len(arrays["helmholtz"])
    psi, u, v = (_complex(arrays[name]) for name in ("potential", "axial_velocity", "radial_velocity"))
    found: Misfits = {}
    for relation, velocity, axis in (("u = dpsi/dx", u, 1), ("v = dpsi/dr", v, 2)):
        pairs = [_integrated(arrays, case, psi[case], velocity[case], axis - 1) for case in range(cases)]
        misfit, allowed = np.array(pairs).T
        found[relation] = misfit, allowed
    if "pressure" in arrays:
        found["p = i ka psi - M u"] = _pressures(arrays, psi, u)
    return found


def _integrated(
    arrays: Mapping[str, Array], case: int, psi: ComplexArray, velocity: ComplexArray, axis: int
) -> tuple[float, float]:
    """Misfit of the velocity along an axis of one case, and what is allowed, both relative to differences of psi."""
    x, r = arrays["x"], arrays["r"]
    points = (x, r)[axis]
    spacing = float(np.max(np.diff(points), initial=0.0))
    if _largest_wavenumber(arrays, case) * spacing > _RESOLVED:
        return 0.0, np.inf
    near = max(_NEAR, _LIP_CELLS * max(float(np.max(np.diff(grid), initial=0.0)) for grid in (x, r)))
    far = np.hypot(x[:, None], r - 1) > near
    total, missed, allowed = 0.0, 0.0, 0.0
    for side in _sides(r, float(arrays["hub"][case])) if axis else [slice(None)]:
        part = (slice(None), side) if axis else (slice(None), slice(None))
        along = points[side] if axis else points
        if len(along) < 3:
            continue
        field, rate = (np.moveaxis(values[part], axis, 0) for values in (psi, velocity))
        kept = np.moveaxis(far[part], axis, 0)
        step = np.diff(along)[:, None]
        ends = kept[1:] & kept[:-1]
        correction = (step**2 / 12 * np.diff(np.gradient(rate, along, axis=0), axis=0))[ends]
        change = np.diff(field, axis=0)[ends]
        gap = change - (step / 2 * (rate[1:] + rate[:-1]))[ends] + correction
        total += float(np.sum(np.abs(change) ** 2))
        missed += float(np.sum(np.abs(gap) ** 2))
        # what errors of psi and of the velocity make of a difference and a step
        noise = 2 * arrays["error_estimate"][case] * (np.linalg.norm(psi) + spacing * np.linalg.norm(velocity))
        allowed += float(np.sum(np.abs(correction) ** 2)) + float(noise) ** 2
    if not total:
        return 0.0, np.inf
    return float(np.sqrt(missed / total)), float(2 * np.sqrt(allowed / total))  # twice what was seen to be needed


def _largest_wavenumber(arrays: Mapping[str, Array], case: int) -> float:
    """That of waves against the flow, and with a jet of the vorticity, which moves at half of the flow or faster."""
    ka, mach, outer = (float(arrays[name][case]) for name in ("helmholtz", "mach", "mach_outer"))
    ratio = float(arrays["sound_speed_ratio"][case])
    waves = max(ka / (1 - abs(mach)), ka / ratio / (1 - abs(outer)))
    uniform = outer == mach and ratio == 1 and arrays["density_ratio"][case] == 1 and arrays["kutta"][case] == 0
    return waves if uniform else max(waves, 2 * ka / max(abs(mach), abs(outer) * ratio, 1e-9))


def _sides(r: FloatArray, hub: float) -> list[slice]:
    """Points between the hub and the wall's radius, and those beyond it."""
    inside, outside = np.searchsorted(r, [hub, 1.0], side="right")
    return [slice(int(inside), int(np.searchsorted(r, 1.0))), slice(int(outside), len(r))]


def _pressures(arrays: Mapping[str, Array], psi: ComplexArray, u: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Misfit of p = rho (i ka psi - M u), with the density and velocity of the stream at every radius."""
    pressure, inside = _complex(arrays["pressure"]), arrays["r"] <= 1  # r = 1 has the values of the inner side

    def columns(name: str) -> Array:
        return arrays[name][:, None, None]

    flow = np.where(inside, columns("mach"), columns("mach_outer") * columns("sound_speed_ratio"))
    density = np.where(inside, 1.0, columns("density_ratio"))
    gap = _norm(pressure - density * (1j * columns("helmholtz") * psi - flow * u)) / _norm(pressure)
    size = (_norm(columns("helmholtz") * psi) + _norm(flow * u)) * np.max(density, axis=(1, 2)) / _norm(pressure)
    return gap, 4 * arrays["error_estimate"] * size + 1e-12  # rounding of sums


def eigenvalues(arrays: Mapping[str, Array]) -> Misfits:
    """`radial_eigenvalue` is the zero of J_m' of the radial order; without a hub."""
    misfit = np.zeros(len(arrays["m"]))
    for m, n in {*zip(np.abs(arrays["m"]).tolist(), arrays["n"].tolist(), strict=True)}:
        cases = (np.abs(arrays["m"]) == m) & (arrays["n"] == n) & (arrays["hub"] == 0)
        zero = 0.0 if m == n == 0 else float(jnp_zeros(m, n + (m > 0))[-1])
        misfit[cases] = np.abs(arrays["radial_eigenvalue"][cases] - zero) / max(zero, 1.0)
    return {"J_m'(radial_eigenvalue) = 0": (misfit, np.full(len(misfit), _EIGENVALUE))}


def energy(arrays: Mapping[str, Array]) -> Misfits:
    """Reciprocity and power of reflections and directivities of all cut-on modes, of a thick wall and of a thin one.

    With power amplitudes, sqrt(kappa N) times those of the potential at the wall, N = (1 - m^2 / alpha^2) / 2, the
    matrix S of reflections is symmetric, and 1 - S S^H is K times the integral of D D^H sin(theta), where the angles
    resolve it. Misfits are the largest of the matrices' elements.
    """
    angle = arrays["angle"]
    weight = np.polynomial.legendre.leggauss(len(angle))[1] * np.pi / 2 * np.sin(angle)
    wavenumber = arrays["helmholtz"] / np.sqrt(1 - arrays["mach"] ** 2)
    resolved = len(angle) >= _OVERSAMPLED * wavenumber + _LEAST_ANGLES
    # an error of a row of S or D appears twice in these products, as it does in the difference of S and its transpose
    allowed = 4 * arrays["error_estimate"]
    found: Misfits = {}
    for kind in ("", "thin_"):
        mirrored, missing = np.zeros((2, len(wavenumber)))
        for case, count in enumerate(arrays["cut_on"]):
            kappa = arrays["wavenumber"][case, :count]
            alpha2 = np.maximum(wavenumber[case] ** 2 - kappa**2, 0.0)
            norm = (1 - np.divide(arrays["m"][case] ** 2, alpha2, where=alpha2 > 0, out=np.zeros(count))) / 2
            size = np.sqrt(kappa * norm)
            reflection = arrays[f"{kind}reflection"][case, :count, :count] @ [1, 1j]
            directivity = arrays[f"{kind}directivity"][case, :count] @ [1, 1j] / size[:, None]
            scattered = reflection * size / size[:, None]
            radiated = wavenumber[case] * (directivity * weight) @ directivity.conj().T
            mirrored[case] = np.max(np.abs(scattered - scattered.T))
            missing[case] = np.max(np.abs(np.eye(count) - scattered @ scattered.conj().T - radiated))
        found[f"reciprocity of {kind}reflection"] = mirrored, allowed + _EIGENVALUE
        power = np.where(resolved, allowed + _SPHERE, np.inf)
        found[f"power of {kind}reflection and {kind}directivity"] = missing, power
    return found


def none(arrays: Mapping[str, Array]) -> Misfits:
    """No relations."""
    return {}


def _norm(values: Array) -> FloatArray:
    return np.linalg.norm(values.reshape(len(values), -1), axis=1)


def _complex(values: Array) -> ComplexArray:
    """Fields (case, part, x, r) as complex ones."""
    found: ComplexArray = values[:, 0] + 1j * values[:, 1]
    return found
