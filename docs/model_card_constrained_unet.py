"""Writes model-card-constrained-unet.md: python docs/model_card_constrained_unet.py --data derivative.h5 [--cases N].

Measures the constrained U-net that ships with the package on unseen cases of a derivative dataset.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from model_card_derivative import bins, regions, row

from data.read import Cases
from wavenet.runs import folder_of, load

NAME = "constrained_unet"
PAGE = Path(__file__).parent / "model-card-constrained-unet.md"
FACTORS = 1, 3, 10  # of the predicted error


def measure(model, cases, count):
    """Relative errors {region: (case, quantity)}, log10 of error over expected error (case, quantity, x, r), places."""
    masks, ratios = regions(cases.constants["x"], cases.constants["r"]), []
    errors: dict = {name: [] for name in masks}
    places = np.linspace(0, len(cases) - 1, min(count, len(cases))).astype(int)
    for case in (cases[place] for place in places):
        psi = torch.from_numpy(case["potential"])[None]
        parameters = torch.tensor([[case["m"], case["helmholtz"], case["mach"]]], dtype=torch.float64)
        exact = np.stack([case["axial_velocity"], case["radial_velocity"]])
        with torch.no_grad():
            velocity, expected = (of[0].numpy() for of in model.with_errors(psi, parameters))
        missed = velocity.reshape(exact.shape) - exact
        for name, mask in masks.items():
            norms = [np.sqrt(np.sum(part[..., mask] ** 2, axis=(1, 2))) for part in (missed, exact)]
            errors[name].append(norms[0] / norms[1])
        scale = np.sqrt(np.mean(np.sum(exact**2, axis=1), axis=(1, 2)))[:, None, None]
        ratios.append(np.log10(np.maximum(np.hypot(*np.moveaxis(missed, 1, 0)), 1e-300) / scale / expected))
    return {name: np.array(values) for name, values in errors.items()}, np.array(ratios), places


def coverage(name, ratios):
    """A line: shares of cells with less than so many times the expected error."""
    return f"| {name} | " + " | ".join(f"{np.mean(ratios < np.log10(factor)):.1%}" for factor in FACTORS) + " |"


TEXT = """# Model card: the constrained U-net

This page is written by `python docs/model_card_constrained_unet.py --data derivative.h5`; the data file is written by
`wavenet generate derivative`.

This is the network that `wavenet differentiate` uses and `wavenet.derivatives.load("constrained_unet")` returns. It
takes a potential ψ on an evenly spaced grid around the open end, and m, ka and M, to the velocities u = ∂ψ/∂x and v =
∂ψ/∂r, with an expected error in every cell. {weights} weights of a U-net correct the expected errors of eight
derivatives of the field, each complex-linear in ψ; the file also holds the [constrained
network](model-card-derivative.md), which gives five of them, and takes {size:.1f} MB.

## Training

Recipe `{recipe}`, seed {data_seed}, {cases} cases, of which 260 are used for training and 26 for validation: m =
{m[0]:.0f} … {m[1]:.0f}, ka = {ka[0]:g} … {ka[1]:g}, M = {mach[0]:g} … {mach[1]:g}, mixtures of up to {modes} modes,
128 × 64 cells over x ∈ [−2, 2], r ∈ [0, 2]. Fields are made coarser, noisy (white or smooth, 120 … 16 dB, told, told
wrongly or not told), and are given a wrong ka or sound from outside at random ([Derivatives](derivatives.md)).
Initialised with seed {seed}, trained for {minutes:.0f} minutes on one core of a virtual machine that was busy with
other work, after the derivatives had been computed. One command trains it again:

<!-- not run: minutes of training -->
```console
$ wavenet generate derivative -o derivative.h5
$ wavenet train derivative --data derivative.h5 --model constrained-unet --preset standard -o run
```

## Accuracy

Relative L2 errors, median / 95th percentile, of test cases whose ka and M lie in blocks that contain no training
case, {count} chosen evenly. The solver's own relative error estimate is at most {estimate:.0e}; its true errors are
usually far smaller.

| | cases | u | v |
|---|---|---|---|
{rows}

Noise, coarse grids, other grids and wrong ka: [Derivatives](derivatives.md).

## Predicted errors

Shares of the cells whose errors are smaller than one, three and ten times the predicted ones:

| cells | 1 | 3 | 10 |
|---|---|---|---|
{shares}

The predicted error is a size, not a bound.

## Limits

The network is not for

- fields other than those at the open end of a thin, hard-walled duct, x = 0, r = 1, in uniform flow: other
  geometries, liners, hubs, jets, sheared flow, or lengths in units other than radii. `wavenet differentiate` warns if
  the field does not satisfy the convected Helmholtz equation;
- fewer than 2.5 points per shortest wavelength, uneven grids, cells on the lip itself (all refused);
- m, ka, M or spacings outside the ranges above: there is a warning, and the last rows of the table have the errors;
- another m than told: ka and M are tuned to the field, m is not.
"""


def page(data, count):
    """The card's text."""
    _, model, about = load(folder_of(NAME), task="derivative")
    test = Cases(data, "test", task="derivative")
    errors, ratios, places = measure(model, test, count)
    rows = [row(name, values) for name, values in errors.items()]
    rows += bins(errors["whole grid"], {name: values[places] for name, values in test.columns.items()})
    masks = regions(test.constants["x"], test.constants["r"])
    shares = [coverage(name, ratios[..., mask]) for name, mask in masks.items()]
    for name in test.about.splits[3:]:
        found, beyond, _ = measure(model, Cases(data, name), count // 5)
        rows.append(row(f"out of range: {name.replace('_', ' ')}", found["whole grid"]))
        shares.append(coverage(f"out of range: {name.replace('_', ' ')}", beyond))
    recipe = json.loads(about["dataset"]["recipe"].split("\n", 1)[0])
    return TEXT.format(
        weights=sum(weight.numel() for weight in model.backbone.parameters()),
        size=(folder_of(NAME) / "weights.safetensors").stat().st_size / 1e6,
        recipe=about["dataset"]["recipe_name"],
        data_seed=recipe["seed"],
        cases=recipe["cases"],
        m=about["ranges"]["m"],
        ka=recipe["source"]["helmholtz"],
        mach=recipe["source"]["mach"],
        modes=recipe["source"]["modes"][1],
        seed=about["seed"],
        minutes=about["training_seconds"] / 60,
        count=len(places),
        estimate=test.columns["error_estimate"].max(),
        rows="\n".join(rows),
        shares="\n".join(shares),
    )


def main(argv=None):
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="a derivative dataset")
    parser.add_argument("--cases", type=int, default=150, help="of the test cases; a fifth of it out of range")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    PAGE.write_text(page(options.data, options.cases), encoding="utf-8")


if __name__ == "__main__":
    main()
