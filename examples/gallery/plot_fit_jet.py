"""
A jet's Mach number and temperature from microphones
====================================================

Three modes leave a duct with a hot jet. Forty microphones far away measure their sum, with a signal-to-noise ratio of
20 dB. The frequency and the air outside are known; the jet's Mach number, its temperature and the modes' amplitudes are
not. For every jet the best amplitudes follow from linear least squares. What they leave unexplained has a single
deep minimum, which Gauss–Newton steps through the jets' surrogate find.
"""

import matplotlib.pyplot as plt
import numpy as np

from analytic import sweep
from wavenet import jets
from wavenet.study.jet_inversion import fit
from wavenet.study.jet_patterns import FarArray, LearnedPatterns, stream

MODES, HELMHOLTZ, MACH, TEMPERATURE = ((0, 0), (-2, 0), (4, 0)), 11.0, 0.31, 1.9

rng = np.random.default_rng(0)
theta, phi = np.radians(rng.uniform(30, 150, 40)), rng.uniform(0, 2 * np.pi, 40)
array = FarArray(MODES, theta, phi, HELMHOLTZ)
m, n = np.array(MODES).T
outer = stream(HELMHOLTZ, 0.0, TEMPERATURE)
exact = sweep(np.abs(m), n, outer.pop("helmholtz"), theta, mach=MACH, **outer).directivity
pressure = np.array([1.0 + 0.5j, -0.8j, 0.6]) @ (exact * np.exp(1j * np.outer(m, phi)))
noise = 0.1 * np.sqrt(np.mean(np.abs(pressure) ** 2) / 2)
pressure += noise * (rng.normal(size=(40, 2)) @ [1, 1j])

# %%
# The fit, with 95 % intervals:

patterns = LearnedPatterns(jets.load(), [array])
(found,) = fit(patterns, pressure[None])
RESULT = abs(found.mach - MACH)
print(f"M = {found.mach:.3f} +- {found.half_width[0]:.3f}, true {MACH}")
print(f"T = {found.temperature:.3f} +- {found.half_width[1]:.3f} times that outside, true {TEMPERATURE}")

# %%
# What the best amplitudes leave unexplained, for every jet that the surrogate has learned:

mach, temperature = np.linspace(0.12, 0.5, 40), np.geomspace(1.0, 3.6, 40)
grid = [one.ravel() for one in np.meshgrid(mach, temperature, indexing="ij")]
first = np.zeros(len(grid[0]), int)
known = patterns.usable(first, *grid)
response = patterns.values(first[known], *(one[known] for one in grid))
basis = np.linalg.qr(response)[0]
left = np.full(len(first), np.nan)
share = np.linalg.norm(np.conj(np.swapaxes(basis, 1, 2)) @ pressure, axis=1) / np.linalg.norm(pressure)
left[known] = np.sqrt(1 - share**2)

figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
picture = axes.pcolormesh(temperature, mach, left.reshape(40, 40), cmap="viridis", shading="nearest")
figure.colorbar(picture, label="residual over the pressures")
axes.errorbar(found.temperature, found.mach, *found.half_width, fmt="o", ms=3, color="w", capsize=3, label="fit")
axes.plot(TEMPERATURE, MACH, "rx", ms=8, label="true")
axes.set(xlabel="temperature over that outside", ylabel="Mach number", xscale="log")
axes.set_xticks([1, 1.5, 2, 3], ["1", "1.5", "2", "3"])
axes.minorticks_off()
axes.legend()
plt.show()
