"""Writes model-card-derivative.md: python docs/model_card_derivative.py --data derivative.h5.

Measures the network that ships with the package on the test cases and out-of-range sets of a derivative dataset.
"""

import argparse
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from data.read import Cases
from wavenet.runs import SHIPPED, load

PAGE = Path(__file__).parent / "model-card-derivative.md"
BINS = {"helmholtz": (3, 8, 14, 20, 25), "mach": (-0.5, -0.2, 0.2, 0.5), "m": (0, 2, 5, 8, 11)}
NAMES = {"helmholtz": "ka", "mach": "M", "m": "m"}
LIP, WALL = 0.2, 0.1  # of the disc and of the wall's neighbourhood [radii]


def regions(x, r):
    """Masks by name."""
    rho = np.hypot(x[:, None], r - 1)
    lip = rho < LIP
    wall = ~lip & (x[:, None] < 0) & (np.abs(r - 1) < WALL)
    inside = ~lip & ~wall & (x[:, None] < 0) & (r < 1)
    names = {f"lip, ρ < {LIP}": lip, f"wall, closer than {WALL}": wall, "inside": inside}
    return {"whole grid": np.ones_like(lip)} | names | {"outside": ~lip & ~wall & ~inside}


def measure(model, cases):
    """Relative errors {region: (case, quantity)}, and log10 of error over expected error, (case, quantity, x, r)."""
    masks, ratios = regions(cases.constants["x"], cases.constants["r"]), []
    errors: dict = {name: [] for name in masks}
    for case in cases:
        psi = torch.from_numpy(case["potential"])[None]
        parameters = torch.tensor([[case["m"], case["helmholtz"], case["mach"]]], dtype=torch.float64)
        exact = np.stack([case["axial_velocity"], case["radial_velocity"]])
        with torch.no_grad():
            missed = model(psi, parameters)[0].numpy().reshape(exact.shape) - exact
            expected = model.expected_error(parameters)[0].numpy()
        for name, mask in masks.items():
            norms = [np.sqrt(np.sum(part[..., mask] ** 2, axis=(1, 2))) for part in (missed, exact)]
            errors[name].append(norms[0] / norms[1])
        scale = np.sqrt(np.mean(np.sum(exact**2, axis=1), axis=(1, 2)))[:, None, None]
        ratios.append(np.log10(np.maximum(np.hypot(*np.moveaxis(missed, 1, 0)), 1e-300) / scale / expected))
    return {name: np.array(values) for name, values in errors.items()}, np.array(ratios)


def row(name, errors):
    """A line: median and 95th percentile of u and of v."""
    cells = [f"{np.median(e):.1e} / {np.percentile(e, 95):.1e}" for e in np.reshape(errors, (-1, 2)).T]
    return f"| {name} | {len(errors)} | {' | '.join(cells)} |"


TEXT = """# Model card: derivatives next to the lip

This page is written by `python docs/model_card_derivative.py --data derivative.h5`; the data file is written by
`wavenet generate derivative`.

This is the constrained network that `wavenet differentiate --linear` uses and `wavenet.derivatives.load()` returns; the
[constrained U-net](model-card-constrained-unet.md) is built on it. It takes a potential ψ on an evenly spaced grid
around the open end, and m, ka and M, to the velocities u = ∂ψ/∂x and v = ∂ψ/∂r.
It is linear in ψ. {weights} weights predict the errors of four derivatives, and {functions} functions describe fields
around the lip; the safetensors file is {size:.1f} MB.

## Training

Recipe `{recipe}`, seed {data_seed}, {cases} cases, of which 800 are used for training: m = {m[0]:.0f} … {m[1]:.0f},
ka = {ka[0]:g} … {ka[1]:g}, M = {mach[0]:g} … {mach[1]:g}, mixtures of up to {modes} modes, 128 × 64 cells over x ∈
[−2, 2], r ∈ [0, 2], half of the fields with noise at 120 … 15 dB. The functions at the lip were fitted to 1000 fields
of the recipe `edge`. The weights were initialised with seed {seed} and trained for {minutes:.0f} minutes on one CPU
core.

<!-- not run: half an hour -->
```console
$ wavenet generate edge -o edge.h5
$ wavenet train edge --data edge.h5 -o run-edge
$ wavenet generate derivative -o derivative.h5
$ wavenet train derivative --data derivative.h5 --edge run-edge --preset standard -o run
```

## Accuracy

Relative L2 errors, median / 95th percentile, of test cases whose ka and M lie in blocks that contain no training
case. The solver's own relative error estimate is at most {estimate:.0e}; its true errors are usually far smaller.

| | cases | u | v |
|---|---|---|---|
{rows}

The network predicts the size of its error in every cell. In the test cases, {shares[0]:.0%} of the cells have a
smaller error than predicted, {shares[1]:.0%} less than twice, and {shares[2]:.1%} less than ten times the predicted
error: it is a size, not a bound.

## Limits

The network is not for

- fields other than those at the open end of a thin, hard-walled duct, x = 0, r = 1, in uniform flow: other
  geometries, liners, hubs, jets, sheared flow, or lengths in units other than radii. The functions at the lip assume
  its edge; `wavenet differentiate` warns if the field does not satisfy the convected Helmholtz equation;
- fewer than 2.5 points per shortest wavelength (refused), uneven grids (refused), cells on the lip itself (refused);
- m, ka, M or spacings outside the ranges above: there is a warning, and the last rows of the table have the errors;
- noise of an unknown level in Python (`on_grid(..., noise=)`): values are taken to be exact, and noise is amplified.
  `wavenet differentiate` estimates the level.
"""


def bins(errors, columns):
    """Lines by ka, M and m."""
    for key, edges in BINS.items():
        for low, high in pairwise(edges):
            values = columns[key]
            chosen = (values >= low) & (values < high) if key == "m" else (values >= low) & (values <= high)
            span = f"{low} … {high - 1}" if key == "m" else f"{low:g} … {high:g}"
            yield row(f"{NAMES[key]} = {span}", errors[chosen])


def page(data):
    """The card's text."""
    _, model, about = load(SHIPPED["derivative"], task="derivative")
    test = Cases(data, "test", task="derivative")
    errors, ratios = measure(model, test)
    rows = [row(name, values) for name, values in errors.items()]
    rows += bins(errors["whole grid"], test.columns)
    for name in test.about.splits[3:]:
        found = measure(model, Cases(data, name))[0]["whole grid"]
        rows.append(row(f"out of range: {name.replace('_', ' ')}", found))
    recipe = json.loads(about["dataset"]["recipe"].split("\n", 1)[0])
    return TEXT.format(
        weights=sum(weight.numel() for weight in model.error_model.parameters()),
        functions=model.config.edge.functions,
        size=(SHIPPED["derivative"] / "weights.safetensors").stat().st_size / 1e6,
        recipe=about["dataset"]["recipe_name"],
        data_seed=recipe["seed"],
        cases=recipe["cases"],
        m=about["ranges"]["m"],
        ka=recipe["source"]["helmholtz"],
        mach=recipe["source"]["mach"],
        modes=recipe["source"]["modes"][1],
        seed=about["seed"],
        minutes=about["training_seconds"] / 60,
        estimate=test.columns["error_estimate"].max(),
        rows="\n".join(rows),
        shares=[np.mean(ratios < limit) for limit in (0, np.log10(2), 1)],
    )


def main(argv=None):
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    PAGE.write_text(page(parser.parse_args(argv).data), encoding="utf-8")


if __name__ == "__main__":
    main()
