"""
Power balance as a map
======================

The power that a mode carries to the open end is either reflected or radiated. The solver computes the two parts in
different ways: the reflected power from the kernel's factor at the wavenumbers of the modes, the radiated power
from an integral over the directivity. That they add up to the incident power tests both. The map shows the
residual relative to the incident power for mode (2, 0), at frequencies and flows where it propagates.
"""

import matplotlib.pyplot as plt
import numpy as np

from analytic import DuctMode, cut_on_helmholtz, solve

helmholtz, mach = np.linspace(0.5, 12, 24), np.linspace(-0.7, 0.7, 15)
residual = np.full((len(mach), len(helmholtz)), np.nan)
for row, flow in enumerate(mach):
    for column, ka in enumerate(helmholtz):
        if ka > cut_on_helmholtz(2, 0, flow):
            residual[row, column] = abs(solve(DuctMode(2, 0, ka, flow)).power.residual)

# %%

RESULT = np.nanmax(residual)
print(f"{np.sum(np.isfinite(residual))} cases, every residual below 1e-12: {RESULT < 1e-12}")

# %%
# White: the mode is cut off and carries no power of its own.

figure, axes = plt.subplots(figsize=(6.8, 3.6), layout="constrained")
logarithm = np.log10(np.maximum(residual, 1e-17))
image = axes.pcolormesh(helmholtz, mach, logarithm, cmap="viridis", vmin=-16, vmax=-12, shading="nearest")
border = np.linspace(-0.7, 0.7, 60)
axes.plot([cut_on_helmholtz(2, 0, flow) for flow in border], border, color="black", lw=1, label="cut-on")
axes.set(xlabel="Helmholtz number ka", ylabel="Mach number M", title="power balance of mode (2, 0)")
axes.legend(loc="upper right")
figure.colorbar(image, ax=axes, label="log₁₀ of the relative residual")
plt.show()
