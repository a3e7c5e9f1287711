"""The picture of the first page, from an example of the gallery: python docs/picture.py writes docs/images/lip.png."""

import runpy
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from PIL import Image

HERE = Path(__file__).resolve().parent
PICTURE = HERE / "images" / "lip.png"


def main():
    """Run the example and keep its figure, in a palette of 256 colours."""
    plt.show = lambda: None
    runpy.run_path(str(HERE.parent / "examples" / "gallery" / "plot_derivative_errors.py"))
    PICTURE.parent.mkdir(exist_ok=True)
    plt.gcf().savefig(PICTURE, dpi=110)
    Image.open(PICTURE).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
