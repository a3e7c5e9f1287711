"""
Which cells a derivative at the lip uses
========================================

Relative Attributing Propagation distributes a network's output over its inputs, layer by layer. Here the output is
the axial velocity in a cell next to the lip, computed by the constrained network, and the inputs are the potential
in all cells. The relevance of all cells adds up to the output. For one case this network is a single linear layer,
and the rule for an output layer gives the strength of each cell's influence, not its sign: all relevance has the
sign of the output.

Two questions are answered by a number: how far does the network look, and does it look through the wall?
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from analytic import DuctMode, solve
from wavenet import derivatives
from wavenet.rap import attribute

x, r = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
source = DuctMode(m=2, n=0, helmholtz=5.0)
field = solve(source).field(x, r)
potential = torch.from_numpy(np.stack([field.potential.real, field.potential.imag]))[None]
parameters = torch.tensor([[source.m, source.helmholtz, source.mach]])

model = derivatives.load()
with torch.no_grad():
    seen, _ = model.explained(potential, parameters)
core = model.core(parameters)


def relevance(i, j):
    """Relevance of the potential (x, r) for Re u in cell (i, j), and its relative deviation from conservation."""
    selector = torch.zeros(1, 4, len(x), len(r), dtype=torch.float64)
    selector[0, 0, i, j] = 1.0
    explained = attribute(core, seen, selector)
    found = explained.relevance[0].sum(dim=0).numpy()
    miss = abs(found.sum() + float(explained.leak[0]) - float(explained.output[0])) / np.abs(found).sum()
    return found, miss


# %%
# One cell downstream of the lip, and one upstream, half a cell above the wall:

at_lip, beside_wall = (66, 32), (44, 32)
maps = {cell: relevance(*cell) for cell in (at_lip, beside_wall)}
for (i, j), (found, miss) in maps.items():
    strength = np.abs(found) / np.abs(found).sum()
    near = np.hypot(x[:, None] - x[i], r - r[j]) < 0.25
    duct = (x[:, None] < 0) & (r < 1)
    shares = [strength[mask].sum() for mask in (near, duct)]
    print(f"x = {x[i]:5.2f}: {shares[0]:.0%} of the relevance within 0.25 radii, {shares[1]:.1%} inside the duct")
    print(f"           conserved to 1e-12: {miss < 1e-12}")
RESULT = shares[1]

# %%
# At the lip, where both sides of the wall meet, the network uses both. Away from the lip it does not look through the
# wall; this is not learned but built in, since no stencil crosses the wall.

figure, panels = plt.subplots(1, 2, figsize=(10, 3.1), layout="constrained")
for axes, ((i, j), (found, _)) in zip(panels, maps.items(), strict=True):
    share = 100 * np.abs(found) / np.abs(found).sum()
    image = axes.pcolormesh(x, r, share.T, cmap="Blues", vmax=np.percentile(share[share > 0], 98), rasterized=True)
    axes.plot([-2, 0], [1, 1], color="black", lw=2, solid_capstyle="butt")
    axes.plot(x[i], r[j], "o", mfc="none", mec="black", ms=9)
    axes.set(xlim=(-1, 0.8), ylim=(0.4, 1.6), aspect="equal", xlabel="x / a", ylabel="r / a")
    axes.set_title(f"relevance for Re u at x = {x[i]:.2f}")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share [%]")
plt.show()
