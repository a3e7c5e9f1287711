"""The picture of docs/lips.md, what a lip does to a fan's directivity: python docs/lips_picture.py.

It writes docs/images/lips.png; needs the extra `elements`.
"""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from analytic import DuctMode
from data.elements import Lip
from wavenet.study import thick_wall

PICTURE = Path(__file__).resolve().parent / "images" / "lips.png"
THICKNESSES = 0.02, 0.1, 0.3  # [radii]
COLOURS = "#2a9d8f", "#e08a00", "#c1121f"
DEGREES = np.linspace(0, 180, 361)


def shape(lip):
    """Outline of a wall, from behind on the inner side to behind on the outer side: x, r."""
    turn = np.linspace(-np.pi / 2, np.pi / 2, 61)
    if lip.kind == "flat":
        x, r = np.zeros(2), np.array([1, 1 + lip.thickness])
    else:
        x = lip.length * (np.cos(turn) - 1)
        r = 1 + lip.thickness / 2 * (1 + np.sin(turn))
    return np.concatenate([[-1], x, [-1]]), np.concatenate([[1], r, [1 + lip.thickness]])


def main():
    """Draw levels and walls of flat and round lips, in a palette of 256 colours."""
    mode = DuctMode.physical(m=22, n=0, radius=0.4, frequency=3600, temperature=288.15, mach=0.0)
    figure, panels = plt.subplots(1, 2, figsize=(12.0, 4.6), layout="constrained", sharey=True)
    for axes, kind in zip(panels, (Lip.flat, Lip.round), strict=True):
        walls = axes.inset_axes((0.40, 0.02, 0.30, 0.36))
        walls.set(xlim=(-0.45, 0.15), ylim=(0.9, 1.35), aspect="equal", xticks=[], yticks=[])
        walls.set_title("wall and lip", fontsize=8, pad=3)
        for thickness, colour in zip(THICKNESSES[::-1], COLOURS[::-1], strict=True):
            lip = kind(thickness)
            found = thick_wall.mode(mode, lip, DEGREES)
            axes.plot(DEGREES, found.thick.far.level, color=colour, label=f"{thickness:g} radii")
            walls.fill(*shape(lip), facecolor=colour, lw=0, alpha=0.85)
        axes.plot(DEGREES, found.thin.far.level, "k--", lw=1.2, label="infinitely thin")
        walls.plot([-1, 0], [1, 1], "k--", lw=1.2)
        axes.set(xlim=(0, 180), ylim=(40, 125), xticks=range(0, 181, 30), xlabel="angle [deg]")
        axes.set_title(f"Fan mode (22, 0), 3.6 kHz, duct of 0.4 m, {lip.kind} lip")
        handles, labels = axes.get_legend_handles_labels()
        where = {"loc": "center", "bbox_to_anchor": (0.5, 0.535), "title": "wall's thickness"}
        axes.legend(handles[::-1], labels[::-1], fontsize=9, title_fontsize=9, **where)
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("level [dB re 20 µPa] for 1 W, at 1 m")
    figure.savefig(PICTURE, dpi=100)
    Image.open(PICTURE).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
