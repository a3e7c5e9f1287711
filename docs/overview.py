"""The README's picture, what each kind of reader gets: python docs/overview.py writes docs/images/overview.png."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch
from PIL import Image

from analytic import DuctMode, Liner, ModeMixture, solve
from wavenet import derivatives
from wavenet.derivatives.differences import Differences
from wavenet.rap import attribute

PICTURE = Path(__file__).resolve().parent / "images" / "overview.png"
X, R = (np.arange(128) + 0.5) / 32 - 2, (np.arange(64) + 0.5) / 32
AT = 66, 32  # the cell whose velocity is explained: just downstream of the lip, in front of the wall
# Distances from the lip between which errors are averaged [radii]; the first ring has two cells.
RINGS = np.array([0.02, 0.04, 0.06, 0.08, 0.11, 0.15, 0.2, 0.27, 0.36, 0.5, 0.7, 1.0, 1.5])


def engineer(axes):
    """Levels of a fan's mode in front of an intake, with a hard wall and with a liner."""
    mode = DuctMode.physical(m=22, n=0, radius=0.4, frequency=3600, temperature=288.15, mach=-0.35)
    liner = Liner(impedance=1.5 - 0.5j, length=0.6, distance=0.2)
    degrees = np.linspace(0, 180, 361)
    for name, solution, style in (
        ("hard wall", solve(mode), "-"),
        ("with a liner", solve(mode, liner=liner), "--"),
    ):
        axes.plot(degrees, solution.sound_pressure_level(np.radians(degrees)), style, label=name)
    axes.set(xlim=(0, 180), ylim=(40, 130), xticks=range(0, 181, 30), xlabel="physical angle [deg]")
    axes.set(ylabel="level [dB re 20 µPa]", title="Fan mode (22, 0), 3.6 kHz,\n1 W, at 1 m: exact")
    axes.legend(loc="lower right", fontsize=9)
    axes.grid(alpha=0.3)


def pytorch_user(axes, field, potential, parameters, model):
    """Errors of the axial velocity around the lip."""
    distance = np.hypot(X[:, None], R - 1)
    ring = np.digitize(distance, RINGS)
    exact = field.axial_velocity
    for name, method, style in (
        ("differences, order 8", lambda: Differences(X, R, 8)(potential), "-"),
        ("trained network", lambda: model.on_grid(X, R)(potential, parameters), "--"),
    ):
        with torch.no_grad():
            u = method()[0].numpy()
        error = np.abs(u[0] + 1j * u[1] - exact) ** 2
        means = [
            np.sqrt(error[ring == k].mean() / (np.abs(exact[ring == k]) ** 2).mean()) for k in range(1, len(RINGS))
        ]
        axes.loglog(np.sqrt(RINGS[1:] * RINGS[:-1]), means, style, label=name)
    axes.set(xlabel="distance from the lip [radii]", ylabel="relative error of u", ylim=(1e-10, 3))
    axes.set_title("Velocity from a potential:\nPyTorch network, weights included")
    axes.legend(loc="upper right", fontsize=9)
    axes.grid(alpha=0.3)


def explainer(figure, axes, potential, parameters, model):
    """Relevance of the potential for the velocity next to the lip."""
    with torch.no_grad():
        seen, _ = model.explained(potential, parameters)
    selector = torch.zeros(1, 4, len(X), len(R), dtype=torch.float64)
    selector[0, 0, AT[0], AT[1]] = 1.0
    found = attribute(model.core(parameters), seen, selector)
    relevance = 100 * found.relevance[0].sum(dim=0).numpy() / float(found.output[0])
    size = np.abs(relevance).max() / 2
    options = {"cmap": "RdBu_r", "vmin": -size, "vmax": size, "shading": "nearest", "rasterized": True}
    image = axes.pcolormesh(X, R, relevance.T, **options)
    axes.plot([-2, 0], [1, 1], color="black", lw=2, solid_capstyle="butt")
    axes.plot(X[AT[0]], R[AT[1]], "o", mfc="none", mec="black", ms=10)
    axes.set(xlim=(-0.6, 0.6), ylim=(0.5, 1.5), aspect="equal", xlabel="x / a", ylabel="r / a")
    axes.set_title("What u at the circle comes from:\nrelevance, which adds up to u")
    figure.colorbar(image, ax=axes, shrink=0.8, extend="both", label="share of u per cell [%]")


def main():
    """Draw the three panels, in a palette of 256 colours."""
    source = ModeMixture(m=3, amplitudes=[1.0, 0.5j, -0.3], helmholtz=14.2, mach=0.25)
    field = solve(source).field(X, R)
    potential = torch.from_numpy(np.stack([field.potential.real, field.potential.imag]))[None]
    parameters = torch.tensor([[source.m, source.helmholtz, source.mach]])
    model = derivatives.load()
    figure, panels = plt.subplots(1, 3, figsize=(12.5, 3.9), layout="constrained")
    engineer(panels[0])
    pytorch_user(panels[1], field, potential, parameters, model)
    explainer(figure, panels[2], potential, parameters, model)
    figure.savefig(PICTURE, dpi=100)
    Image.open(PICTURE).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
