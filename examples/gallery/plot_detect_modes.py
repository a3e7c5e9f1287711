"""
Modes detected from microphones
===============================

Four modes leave a duct. Forty microphones, eight radii away, measure their sum, with a signal-to-noise ratio of
20 dB. Which modes are present, and how strong are they? The pressures come from the solver's near field, the
responses from the directivity surrogate that ships with the package. All cut-on modes are candidates; an ℓ1
penalty selects a few of them.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from analytic import DuctMode, solve
from wavenet import far_field
from wavenet.far_field.detection import detect

HELMHOLTZ, MACH = 9.0, 0.2
TRUE = {(0, 0): 1.0 + 0.5j, (2, 1): -0.8j, (-3, 0): 0.6 + 0.2j, (5, 0): -0.4 + 0.4j}

rng = np.random.default_rng(0)
angle, phi = np.radians(rng.uniform(15, 130, 40)), rng.uniform(0, 2 * np.pi, 40)
x, r = 8 * np.cos(angle), 8 * np.sin(angle)
pressure = np.zeros(40, complex)
for (m, n), amplitude in TRUE.items():
    field = solve(DuctMode(abs(m), n, HELMHOLTZ, MACH), tolerance=1e-5).at(x, r)
    pressure += amplitude * field.pressure * np.exp(1j * m * phi)
noise = 0.1 * np.sqrt(np.mean(np.abs(pressure) ** 2) / 2)
pressure += noise * (rng.normal(size=(40, 2)) @ [1, 1j])

# %%
# Responses of all candidates at the microphones, and the selection:

model = far_field.load()
modes = model.cut_on(HELMHOLTZ, MACH)
orders, radial = (torch.tensor(column) for column in zip(*modes, strict=True))
with torch.no_grad():
    response = model.pressure(orders, radial, HELMHOLTZ, MACH, torch.from_numpy(x), torch.from_numpy(r)).numpy()
found = detect(pressure, response * np.exp(1j * np.outer(orders.numpy(), phi)), few=True)
chosen = [mode for mode, there in zip(modes, found.chosen, strict=True) if there]
truth = np.array([TRUE.get(mode, 0.0) for mode in modes])
RESULT = np.linalg.norm(found.amplitude - truth) / np.linalg.norm(truth)
print(f"{len(modes)} candidates, chosen {chosen}")
print(f"relative error of the amplitudes: {RESULT:.2f}")

# %%
# The amplitudes, with 95 % intervals of the real and the imaginary part:

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
place = np.arange(len(chosen))
amplitude, width = found.amplitude[found.chosen], found.half_width[found.chosen]
for shift, part, colour in ((-0.12, np.real, "#0072B2"), (0.12, np.imag, "#D55E00")):
    name = "real part" if part is np.real else "imaginary part"
    axes.errorbar(place + shift, part(amplitude), width, fmt="o", ms=4, capsize=3, color=colour, label=name)
    axes.plot(place + shift, part(truth[found.chosen]), "kx", ms=7, label="true" if part is np.imag else None)
axes.set(xticks=place, xticklabels=[str(mode) for mode in chosen], xlabel="mode (m, n)", ylabel="amplitude [a c]")
axes.grid(alpha=0.3)
axes.legend()
plt.show()
