"""
Directivity in uniform flow and with a jet
==========================================

The same plane wave, at ka = 8, leaves the duct without flow, in uniform flow, and through a jet with a vortex
sheet into fluid at rest. The uniform flow changes little if the angle is taken in the stretched plane (x /
√(1 − M²), r). The jet refracts sound away from its axis: outside, no wave travels at angles with
cos θ > 1 / (1 + M). This is the cone of silence.
"""

import matplotlib.pyplot as plt
import numpy as np

from analytic import DuctMode, Jet, solve

HELMHOLTZ, MACH = 8.0, 0.3
degrees = np.linspace(0, 180, 361)
cases = {
    "no flow": solve(DuctMode(0, 0, HELMHOLTZ)),
    "uniform flow, M = 0.3": solve(DuctMode(0, 0, HELMHOLTZ, MACH)),
    "jet, M = 0.3": solve(DuctMode(0, 0, HELMHOLTZ, MACH), jet=Jet()),
}
levels = {}
for name, solution in cases.items():
    modulus = np.abs(solution.directivity(np.radians(degrees)))
    levels[name] = 20 * np.log10(np.maximum(modulus, 1e-12) / modulus.max())

# %%
# The level in the cone of silence, ten degrees from the axis:

edge = np.degrees(np.arccos(1 / (1 + MACH)))
RESULT = levels["jet, M = 0.3"][degrees == 10][0]
print(f"the cone ends at {edge:.1f} degrees; the level at 10 degrees is {RESULT:.1f} dB re peak")

# %%

figure, axes = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
for (name, level), colour in zip(levels.items(), ("#0072B2", "#009E73", "#D55E00"), strict=True):
    axes.plot(degrees, level, label=name, color=colour)
axes.axvspan(0, edge, color="0.9", label="cone of silence of the jet")
axes.set(xlabel="angle from the downstream axis [degrees]", ylabel="level [dB re peak]", xlim=(0, 180), ylim=(-50, 3))
axes.grid(alpha=0.3)
axes.legend(loc="upper right", fontsize="small")
plt.show()
