"""
The impedance that absorbs most
===============================

A liner of one radius in front of the open end: which impedance absorbs most of the plane wave over a band of
Helmholtz numbers, and which most of all modes with equal power? Cremer's optimum, where two modes of the infinitely
long lined duct coincide, is the usual answer. A short liner reflects at its ends, and its optimum lies elsewhere.

Absorbed power has an exact gradient, since amplitudes are analytic functions of the impedance.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize
from scipy.special import jv, jvp

from analytic import DuctMode, Liner, MultiMode, impedance_derivative, lined_sweep, solve

LENGTH, DISTANCE = 1.0, 0.5
BAND = np.linspace(2.0, 4.0, 5)


def best(sources):
    """Impedance that absorbs most of the power of weighted modes, and how much; sources : pairs of weight and mode."""

    def lost(parts):
        liner, value, slope = Liner(complex(*parts), LENGTH, DISTANCE), 0.0, 0j
        for weight, mode in sources:
            lined = solve(mode, liner=liner)
            value, slope = value + weight * lined.absorbed, slope + weight * impedance_derivative(lined).absorbed
        return -value, [-slope.real, -slope.imag]

    found = minimize(lost, (1.0, 0.4), jac=True, bounds=[(0.05, 9), (-9, 9)], options={"gtol": 1e-4})
    return complex(*found.x), -found.fun


plane, plane_absorbed = best([(1 / len(BAND), DuctMode(0, 0, ka)) for ka in BAND])
every = {}
for source in map(MultiMode.equal_power, BAND[::2]):
    for part, power in zip(source.parts, source.powers, strict=True):
        mode = DuctMode(abs(part.m), part.n, part.helmholtz)  # m and -m are absorbed alike
        every[mode] = every.get(mode, 0.0) + power / len(BAND[::2])
diffuse, diffuse_absorbed = best([(weight, mode) for mode, weight in every.items()])

# %%
# Cremer's optimum is the impedance for which the first two modes of m = 0 coincide:

gamma = 2.98 + 1.28j
for _ in range(20):  # J_0^2 + J_1^2 = 0 is Cremer's condition
    value = jv(0, gamma) ** 2 + jv(1, gamma) ** 2
    gamma -= value / (2 * jv(0, gamma) * jvp(0, gamma) + 2 * jv(1, gamma) * jvp(1, gamma))
cremer = 1j * jv(0, gamma) / (gamma * jvp(0, gamma))  # over ka
cremer = complex(abs(cremer.real), cremer.imag)  # gamma and its conjugate: of -Z* and Z only one absorbs
near = 1.0001 * cremer  # where modes coincide digits are lost
ka = BAND[2]
at_cremer = lined_sweep(0, 0, ka, [1.0], impedance=near * ka, length=LENGTH, distance=DISTANCE).absorbed[0]
print(f"plane wave, ka = 2 ... 4: Z = {plane:.3f} absorbs {plane_absorbed:.4f} of the power")
print(f"all modes with equal power: Z = {diffuse:.3f} absorbs {diffuse_absorbed:.4f}")
print(f"Cremer's optimum at ka = {ka:g}: Z = {cremer * ka:.3f}, absorbs {at_cremer:.4f} of the plane wave")
RESULT = plane_absorbed

# %%

figure, panels = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
resistance, reactance = np.linspace(0.1, 2.5, 21), np.linspace(-1.5, 1.5, 21)
grid = resistance[:, None] + 1j * reactance
options = {"length": LENGTH, "distance": DISTANCE}
absorbed = lined_sweep(0, 0, ka, [1.0], impedance=grid.ravel(), **options).absorbed.reshape(grid.shape)
levels = panels[0].contourf(resistance, reactance, absorbed.T, np.linspace(0, 1, 21), cmap="viridis")
figure.colorbar(levels, ax=panels[0], label=f"absorbed power of the plane wave, ka = {ka:g}")
for z, marker, label in (
    (cremer * ka, "w*", "Cremer"),
    (plane, "wo", "plane wave, ka = 2 … 4"),
    (diffuse, "ws", "equal power, ka = 2 … 4"),
):
    panels[0].plot(z.real, z.imag, marker, markersize=9, markeredgecolor="black", label=label)
panels[0].set(xlabel="resistance Re Z", ylabel="reactance Im Z")
panels[0].legend(loc="lower right")
fine = np.linspace(1.5, 5.0, 36)
for z, label in (
    (near * fine, "Cremer's optimum at every ka"),
    (plane, "one Z, for the plane wave"),
    (diffuse, "one Z, for equal power"),
):
    panels[1].plot(fine, lined_sweep(0, 0, fine, [1.0], impedance=z, **options).absorbed, label=label)
panels[1].axvspan(BAND[0], BAND[-1], color="0.93", zorder=0)
panels[1].set(xlabel="ka", ylabel="absorbed power of the plane wave", ylim=(0, 1.02))
panels[1].legend(loc="lower right")
plt.show()
