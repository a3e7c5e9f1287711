"""Writes model-card-factor.md: python docs/model_card_factor.py.

Measures the directivity surrogate that ships with the package against the solver, on newly drawn modes.
"""

import argparse
import json
import sys
from itertools import pairwise, product
from pathlib import Path

import numpy as np
import torch

from analytic import DuctMode, solve, sweep
from wavenet.far_field.directivity import CLOSEST, LEVELS, relative_error
from wavenet.runs import SHIPPED, load

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from directivity import draw

PAGE = Path(__file__).parent / "model-card-factor.md"
THETA = np.linspace(0, np.pi, 37)
MODES, NEAR = 3000, 200
BINS = {"m": (0, 3, 8, 14, 21), "ka": (3, 8, 15, 22, 30), "K over the eigenvalue": (1, 1.01, 1.1, 2, np.inf)}
RADII, SECTORS = (5, 10, 30), ((5, 120), (120, 150))
TEXT = """# Model card: directivities

This page is written by `python docs/model_card_factor.py`.

This is the surrogate that `wavenet predict` and `wavenet detect` use and `wavenet.far_field.load()` returns. From a
duct mode (m, n), ka and M it computes the directivity at any angles, and pressures at microphones, near or far. It
has learned only the factor of the kernel, for m = 0 … {last} and K = ka/√(1 − M²) from {low:.2f} to {high:.2f}; every
cut-on mode and any subsonic flow follow in closed form. It has {numbers} coefficients; the safetensors file is
{size:.1f} MB.

## Training

Recipe `{recipe}`, seed {seed}, {cases} factors at {angles} angles; least-squares polynomials of degree {degree} in K
and {around} in the angle. The fit takes {seconds:.0f} seconds on two cores, including the error bars.

<!-- slow: a minute -->
```console
$ wavenet generate factor -o factor.h5
$ wavenet train factor --data factor.h5 -o run
```

## Accuracy

{modes} newly drawn cut-on modes (3 ≤ ka ≤ 30, |M| ≤ 0.6) compared with the solver, whose own error estimate is at
most
{estimate:.0e}: relative L2 error over 37 angles from 0 to 180 degrees.

| | modes | median | 95 % | 99 % | largest |
|---|---|---|---|---|---|
{rows}

Error bars come from split conformal prediction in eight bands of K. Nominal and observed coverage for these modes:
{coverage}.

Pressures at {near} arrays of ten microphones, relative L2 error:

| distance [radii] | degrees from the axis | median | 95 % | largest |
|---|---|---|---|---|
{pressures}

## Limits

The surrogate is not for

- other m (refused) or K (refused unless `--extrapolate` is given), and cut-off modes (refused), which radiate little;
- ducts with a hub, a liner, a flange, a jet or a wake; sheared flow;
- microphones closer than {closest:g} radii to the open end or more than 150 degrees from the axis (refused).
"""


def row(name, errors):
    """A line of the first table."""
    values = np.median(errors), *np.percentile(errors, [95, 99]), np.max(errors)
    return f"| {name} | {len(errors)} | {' | '.join(f'{value:.1e}' for value in values)} |"


def covered(model, columns, errors, level):
    """Share of errors below their bars."""
    bars = [model.error_bar(helmholtz, mach, level) for helmholtz, mach in zip(*columns[2:], strict=True)]
    return np.mean(errors <= bars)


def near_fields(model, rng, radius, low, high):
    """Relative errors of pressures at arrays between two angles."""
    errors = []
    m, n, helmholtz, mach = draw(NEAR, rng)
    for case in zip(m.tolist(), n.tolist(), helmholtz.tolist(), mach.tolist(), strict=True):
        angle, beta = np.radians(rng.uniform(low, high, 10)), np.sqrt(1 - case[3] ** 2)
        x, r = radius * np.cos(angle) * beta, radius * np.sin(angle)
        exact = solve(DuctMode(*case), tolerance=1e-5).at(x, r).pressure
        with torch.no_grad():
            found = model.pressure(*case, torch.from_numpy(x), torch.from_numpy(r))[0].numpy()
        errors.append(relative_error(found, exact))
    return np.array(errors)


def page():
    """The card's text."""
    _, model, about = load(SHIPPED["factor"], task="factor")
    rng = np.random.default_rng(11)
    columns = draw(MODES, rng)
    m, n, helmholtz, mach = columns
    exact = sweep(m, n, helmholtz, THETA, mach=mach)
    with torch.no_grad():
        found = model(*map(torch.from_numpy, columns), torch.from_numpy(THETA)).numpy()
    errors = relative_error(found, exact.directivity)
    alpha = np.array([model.eigenvalues[a, b] for a, b in zip(m, n, strict=True)])
    ratio = helmholtz / np.sqrt(1 - mach**2) / np.where(alpha > 0, alpha, np.nan)
    rows = [row("all", errors)]
    for (name, edges), values in zip(BINS.items(), (m, helmholtz, ratio), strict=True):
        for low, high in pairwise(edges):
            span = f"{low} … {high - 1}" if name == "m" else f"{low:g} … {high:g}"
            rows.append(row(f"{name} = {span}", errors[(values >= low) & (values < high)]))
    rows.append(row("plane wave", errors[alpha == 0]))
    pressures = []
    for radius, (low, high) in product(RADII, SECTORS):
        near = near_fields(model, rng, radius, low, high)
        values = np.median(near), np.percentile(near, 95), near.max()
        pressures.append(f"| {radius} | {low} … {high} | {' | '.join(f'{value:.1e}' for value in values)} |")
    recipe = json.loads(about["dataset"]["recipe"].split("\n", 1)[0])
    return TEXT.format(
        last=model.config.orders[-1],
        low=model.config.low,
        high=model.config.high,
        numbers=f"{model.coefficients.numel():,}",
        size=(SHIPPED["factor"] / "weights.safetensors").stat().st_size / 1e6,
        recipe=about["dataset"]["recipe_name"],
        seed=recipe["seed"],
        cases=recipe["cases"],
        angles=recipe["arc"]["angles"],
        degree=model.config.degree,
        around=model.config.angles - 1,
        seconds=about["training_seconds"],
        modes=MODES,
        estimate=exact.error_estimate.max(),
        rows="\n".join(rows),
        coverage=", ".join(f"{level:.0%}: {covered(model, columns, errors, level):.1%}" for level in LEVELS),
        near=NEAR,
        pressures="\n".join(pressures),
        closest=CLOSEST,
    )


def main(argv=None):
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args(argv)
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
