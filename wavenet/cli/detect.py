"""wavenet detect."""

import re
import sys
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from .common import Json, say


def detect(
    array: Annotated[Path, typer.Option("--array", help="HDF5 file of the pressures: x, r, phi, pressure; ka, M.")],
    modes: Annotated[
        str | None,
        typer.Option(help="Modes to look for, as m,n;m,n [all learned ones that are cut on, either sign of m]."),
    ] = None,
    few: Annotated[bool, typer.Option("--few", help="Choose few of the modes by an l1 penalty.")] = False,
    coverage: Annotated[float, typer.Option(help="Of the confidence intervals.")] = 0.95,
    run: Annotated[Path | None, typer.Option(help="Run of the factor task [the shipped one].")] = None,
    as_json: Json = False,
):
    """Complex amplitudes of duct modes from the pressures at a microphone array, by the surrogate.

    Example: wavenet detect --array pressures.h5 --few
    """
    from data.microphones import read_array

    measured = read_array(array)
    wanted = None if modes is None else _modes(modes)

    import torch

    from wavenet.far_field.detection import detect as find
    from wavenet.runs import SHIPPED, load

    model = load(run or SHIPPED["factor"], task="factor")[1]
    looked_for = model.cut_on(measured.helmholtz, measured.mach) if wanted is None else wanted
    missing = model.unlearned(measured.helmholtz, measured.mach)
    if wanted is None and missing is not None:
        print(f"wavenet: warning: m = {missing} is cut on, too, and was not learned", file=sys.stderr)
    m, n = (torch.tensor(column) for column in zip(*looked_for, strict=True))
    with torch.no_grad():
        place = torch.from_numpy(measured.x), torch.from_numpy(measured.r)
        response = model.pressure(m, n, measured.helmholtz, measured.mach, *place).numpy()
    response = response * np.exp(1j * np.outer(m.numpy(), measured.phi))
    names = [f"({a}, {b})" for a, b in looked_for]
    found = find(measured.pressure, response, coverage=coverage, few=few, noise=measured.noise, names=names)
    for line in found.warnings:
        print(f"wavenet: warning: {line}", file=sys.stderr)
    rows = [
        {"m": a, "n": b, "amplitude": [value.real, value.imag], "half_width": float(width)}
        for (a, b), value, width, there in zip(
            looked_for, found.amplitude.tolist(), found.half_width, found.chosen, strict=True
        )
        if there
    ]
    if as_json:
        rest = {"noise": found.noise, "condition": found.condition, "coverage": coverage, "warnings": found.warnings}
        say({"modes": rows} | rest, True)
        return
    print(
        f"ka = {measured.helmholtz:.6g}, M = {measured.mach:.3g}, {len(measured.x)} microphones, "
        f"noise {found.noise:.2e}"
    )
    print(f"condition number {found.condition:.1f}; intervals of the real and of the imaginary part: {coverage:.0%}")
    print("   m   n        real   imaginary        +-")
    for row in rows:
        real, imaginary = row["amplitude"]
        print(f"{row['m']:4d}{row['n']:4d}{real:12.5f}{imaginary:12.5f}{row['half_width']:10.5f}")


def _modes(text):
    """Pairs of m,n;m,n."""
    if not re.fullmatch(r"-?\d+,\d+(;-?\d+,\d+)*", text):
        raise ValueError(f"--modes must be m,n;m,n, got {text!r}")
    pairs = [(int(m), int(n)) for m, n in (part.split(",") for part in text.split(";"))]
    if len(set(pairs)) < len(pairs):
        raise ValueError(f"--modes names a mode twice: {text!r}")
    return pairs
