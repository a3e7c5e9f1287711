"""
Derivatives next to the lip
===========================

The axial velocity is computed from the potential on a grid, with finite differences of order 8 and with the
constrained network that ships with the package. The field is a mixture of modes that the network was not trained
on; the exact velocity comes from the solver.

Differences are excellent away from the lip and inaccurate near it, because there the velocity grows like ρ to the
power of −1/2. The network has learned how fields vary around a lip.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.colors import LogNorm

from analytic import ModeMixture, solve
from wavenet import derivatives
from wavenet.derivatives.differences import Differences

x, r = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
source = ModeMixture(m=3, amplitudes=[1.0, 0.5j, -0.3], helmholtz=14.2, mach=0.25)
field = solve(source).field(x, r)
potential = torch.from_numpy(np.stack([field.potential.real, field.potential.imag]))[None]
parameters = torch.tensor([[source.m, source.helmholtz, source.mach]])

model = derivatives.load().on_grid(x, r)
with torch.no_grad():
    found = {
        "differences of order 8": Differences(x, r, 8)(potential)[0].numpy(),
        "constrained network": model(potential, parameters)[0].numpy(),
    }

# %%
# Errors of the axial velocity relative to its root mean square, at each point and over the whole grid:

exact = field.axial_velocity
errors = {name: np.abs(u[0] + 1j * u[1] - exact) / np.sqrt(np.mean(np.abs(exact) ** 2)) for name, u in found.items()}
total = {name: np.sqrt(np.mean(error**2)) for name, error in errors.items()}
for name, error in total.items():
    print(f"{name}: relative error {error:.1e}")
RESULT = total["differences of order 8"] / total["constrained network"]

# %%

figure, panels = plt.subplots(1, 3, figsize=(12, 2.7), layout="constrained")
size = np.percentile(np.abs(exact), 99.5)
options = {"shading": "nearest", "rasterized": True}
image = panels[0].pcolormesh(x, r, exact.real.T, cmap="RdBu_r", vmin=-size, vmax=size, **options)
panels[0].set_title("Re u, exact")
figure.colorbar(image, ax=panels[0], shrink=0.7, label="Re u [c]")
norm = LogNorm(1e-9, 1e-1)
for axes, (name, error) in zip(panels[1:], errors.items(), strict=True):
    image = axes.pcolormesh(x, r, error.T, cmap="magma", norm=norm, **options)
    axes.set_title(f"error, {name}")
figure.colorbar(image, ax=panels[1:], shrink=0.7, label="error over rms u")
for axes, colour in zip(panels, ("black", "white", "white"), strict=True):
    axes.plot([-2, 0], [1, 1], color=colour, lw=2, solid_capstyle="butt")
    axes.set(xlabel="x / a", aspect="equal")
panels[0].set_ylabel("r / a")
plt.show()
