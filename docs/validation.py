"""The validation page, generated from the code: python docs/validation.py writes docs/validation.md and its pictures.

Every number on the page is computed in this run, except the published or quoted ones, which are marked.
"""

import contextlib
import io
import math
import os
import platform
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # small matrices: threads cost more

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import scipy
from matplotlib.colors import BoundaryNorm
from PIL import Image
from scipy import integrate, special

from analytic import (
    ConvergenceError,
    DuctMode,
    Jet,
    Liner,
    cut_on_helmholtz,
    factorisation,
    sheet_factors,
    solve,
)
from analytic.reference import Reference

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "benchmarks"))

import jet_judge  # noqa: E402 - these live with the benchmarks
import liners as liner_judge  # noqa: E402
import liners_flow as liner_judge_flow  # noqa: E402

PICTURES = HERE / "validation"
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # Okabe and Ito
DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 1)))
ARC = 8  # pieces of a cell's arc in a polar picture
MACHS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7)
REST = Jet()  # fluid at rest outside, full Kutta condition
FREE = Jet(kutta=0.0)  # no vortex shedding

# Reference numbers. QUOTED and QUOTED_JET were computed for this project before its solver and independently of it.
QUOTED = {1.0: (0.69510, 0.52743), 2.0: (0.34618, 0.41694)}
QUOTED_JET = {0.2: 1.03045, 0.5: 1.11474, 1.0: 0.89696}
LENGTH_1948, LENGTH, LENGTH_JET = 0.6133, 0.6127, 0.2554


# Small tools


def table(head, rows):
    """Markdown table of cells that are already formatted."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[str(cell).replace("|", r"\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def save(figure, name, alternative):
    """Write the picture in a palette of 64 colours and return its Markdown."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=110, bbox_inches="tight")
    plt.close(figure)
    Image.open(buffer).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(PICTURES / name, optimize=True)
    return f"![{alternative}](validation/{name})"


def axes(figure_axes, xlabel, ylabel, title=None):
    figure_axes.set(xlabel=xlabel, ylabel=ylabel)
    figure_axes.grid(alpha=0.3, which="major")
    if title:
        figure_axes.set_title(title)


def percent(value):
    return f"{100 * value:.2g} %" if value < 0.995 else "> 100 %"


# 1. The plane wave without flow


def levine_schwinger(ka):
    """|R| and l by the integrals (VI.5) and (VI.4) of Levine and Schwinger (1948), by adaptive quadrature."""

    def modulus(x):
        ratio = special.kve(1, x) / special.ive(1, x) * math.exp(-2 * x)
        return math.atan(ratio / math.pi) * (1 - ka / math.hypot(x, ka)) / x

    def below(t):
        x = ka * math.sin(t)
        first, second = special.j1(x), special.y1(x)
        return math.log(math.pi * first * math.hypot(first, second)) / x

    def beyond(x):
        return -math.log(2 * special.ive(1, x) * special.kve(1, x)) / (x * math.hypot(x, ka))

    options = {"epsabs": 1e-12, "epsrel": 1e-12, "limit": 400}
    exponent = sum(integrate.quad(modulus, *ends, **options)[0] for ends in ((0, ka), (ka, 1 + ka), (1 + ka, 40)))
    length = integrate.quad(below, 0, math.pi / 2, **options)[0]
    length += sum(integrate.quad(beyond, *ends, **options)[0] for ends in ((0, ka), (ka, 1 + ka), (1 + ka, math.inf)))
    return math.sqrt(math.pi * ka) * math.exp(-ka + exponent / math.pi), length / math.pi


def plane_wave(helmholtz):
    solutions = [solve(DuctMode(0, 0, float(ka))) for ka in helmholtz]
    return np.array([abs(s.reflection[0]) for s in solutions]), np.array([s.end_correction for s in solutions])


def section_plane_wave():
    ka = np.linspace(0.01, 3.8, 380)
    modulus, length = plane_wave(ka)
    check = ka[::6]
    integrals = np.array([levine_schwinger(value) for value in check])
    gap = np.abs(integrals - np.column_stack([modulus, length])[::6]).max(axis=0)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for panel, ours, column, name in ((left, modulus, 0, "|R|"), (right, length, 1, "end correction l / a")):
        panel.plot(ka, ours, color=COLOURS[0], label="this solver")
        panel.plot(check[::3], integrals[::3, column], "o", mfc="none", color=COLOURS[6], label="integrals of 1948")
        quoted = [values[column] for values in QUOTED.values()]
        panel.plot(list(QUOTED), quoted, "x", ms=9, mew=2, color=COLOURS[1], label="quoted")
        axes(panel, "Helmholtz number ka", name)
        panel.set(xlim=(0, 3.8), ylim=(0, None))
    right.axhline(LENGTH, color=COLOURS[3], ls=":", label=f"low-frequency limit {LENGTH}")
    left.legend()
    right.legend(loc="lower left")
    picture = save(figure, "plane-wave.png", "Modulus of R and end correction of the plane wave against ka")
    rows = []
    for value in (0.01, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 3.8):
        ours, formula = [x[0] for x in plane_wave([value])], levine_schwinger(value)
        quoted = [f"{x:.5f}" for x in QUOTED.get(value, ())] or ["", ""]
        rows.append([f"{value:g}", *(f"{x:.7f}" for x in (ours[0], formula[0])), quoted[0]])
        rows[-1] += [*(f"{x:.7f}" for x in (ours[1], formula[1])), quoted[1]]
    limit = plane_wave([1e-4])[1][0]
    head = ["ka", "|R|", "integral (VI.5)", "quoted", "l / a", "integral (VI.4)", "quoted"]
    return f"""## 1. Plane wave, no flow

Reflection at the open end of an unflanged pipe, R = −|R| exp(2 i ka l). The independent computation evaluates the
explicit integrals (VI.4) and (VI.5) that Levine & Schwinger **published** in 1948 [1] by adaptive quadrature. It
shares no code with the solver. The columns "quoted" give the values of the same integrals that the project started
from.

{picture}

{table(head, rows)}

The largest difference between solver and integrals at {len(check)} frequencies, 0.01 ≤ ka ≤ 3.8, is {gap[0]:.1e} in
|R| and {gap[1]:.1e} in l. At ka = 10⁻⁴ the end correction is {limit:.6f}; the **published** limits are {LENGTH_1948}
[1] and, from later and more accurate quadrature, {LENGTH} [2].
"""


# 2. Engineering fits


def dalmont_modulus(k):
    return (1 + 0.2 * k - 0.084 * k**2) / (1 + 0.2 * k + (0.5 - 0.084) * k**2)


def dalmont_length(k):
    return 0.6133 * ((1 + 0.044 * k**2) / (1 + 0.19 * k**2) - 0.02 * np.sin(2 * k) ** 2)


def davies_length(k):
    return np.where(k < 0.5, 0.6133 - 0.1168 * k**2, 0.6393 - 0.1104 * k)


def silva_modulus(k):
    return (1 + 0.8 * k**2) / (1 + (0.5 + 0.8) * k**2 + 0.266 * k**4 + 0.0263 * k**6)


def silva_length(k):
    return 0.6133 * (1 + 0.0599 * k**2) / (1 + 0.238 * k**2 - 0.0153 * k**4 + 0.0015 * k**6)


def pade(k):
    """R for exp(+j omega t)."""
    return -(1 + 0.167j * k) / (1 + 1.393j * k - 0.457 * k**2)


def causse(k):
    """R for exp(+j omega t), from the impedance over that of the pipe."""
    impedance = 1j * (0.6113 * k - k**3 * (0.036 - 0.034 * np.log(k) + 0.0187 * k**2))
    impedance = impedance + 0.25 * k**2 + k**4 * (0.0127 + 0.082 * np.log(k) - 0.023 * k**2)
    return (impedance - 1) / (impedance + 1)


def length_of(reflection):
    return lambda k: -np.unwrap(np.angle(-reflection(k))) / (2 * k)


def low_series(k):
    return np.exp(-(k**2) / 2) * (1 + k**4 / 6 * (19 / 12 - np.euler_gamma - np.log(k)))


# name, formula in words, function, range given by the authors (None: none known)
MODULUS_FITS = (
    ("low frequency", "1 − (ka)²/2", lambda k: 1 - k**2 / 2, None),
    ("series [1], ka < 1", "e^(−(ka)²/2) [1 + (ka)⁴/6 (ln(1/(γka)) + 19/12)], γ = 1.781", low_series, (0, 1)),
    (
        "series [1], ka > 1",
        "(πka)^½ e^(−ka) [1 + 3/(32 (ka)²)]",
        lambda k: np.sqrt(np.pi * k) * np.exp(-k) * (1 + 3 / (32 * k**2)),
        (1, 3.8),
    ),
    (
        "Davies et al. [3]",
        "1 + 0.01336 ka − 0.59079 (ka)² + 0.33576 (ka)³ − 0.06432 (ka)⁴",
        lambda k: 1 + 0.01336 * k - 0.59079 * k**2 + 0.33576 * k**3 - 0.06432 * k**4,
        (0, 1.5),
    ),
    ("Caussé et al. [4]", "from their impedance series", lambda k: np.abs(causse(k)), (0, 1.5)),
    (
        "Dalmont et al. [5]",
        "(1 + 0.2 ka − 0.084 (ka)²) / (1 + 0.2 ka + 0.416 (ka)²)",
        dalmont_modulus,
        (0, 3.5),
    ),
    (
        "Silva et al. [6], not causal",
        "(1 + 0.8 (ka)²) / (1 + 1.3 (ka)² + 0.266 (ka)⁴ + 0.0263 (ka)⁶)",
        silva_modulus,
        None,
    ),
    (
        "Silva et al. [6], Padé (1, 2)",
        "R = −(1 + 0.167 jka) / (1 + 1.393 jka + 0.457 (jka)²)",
        lambda k: np.abs(pade(k)),
        None,
    ),
)
LENGTH_FITS = (
    ("low frequency", "0.6127", lambda k: np.full(k.shape, LENGTH), None),
    ("Davies et al. [3]", "0.6133 − 0.1168 (ka)² below ka = 0.5, 0.6393 − 0.1104 ka above", davies_length, (0, 2)),
    ("Caussé et al. [4]", "from their impedance series", length_of(causse), (0, 1.5)),
    (
        "Dalmont et al. [5]",
        "0.6133 [(1 + 0.044 (ka)²) / (1 + 0.19 (ka)²) − 0.02 sin²(2ka)]",
        dalmont_length,
        (0, 1.5),
    ),
    (
        "Silva et al. [6], not causal",
        "0.6133 (1 + 0.0599 (ka)²) / (1 + 0.238 (ka)² − 0.0153 (ka)⁴ + 0.0015 (ka)⁶)",
        silva_length,
        None,
    ),
    ("Silva et al. [6], Padé (1, 2)", "phase of R above", length_of(pade), None),
)


def passed(ka, error, limit):
    """Smallest ka at which the error is above the limit."""
    above = np.flatnonzero(error > limit)
    if not len(above):
        return "never"
    return f"{ka[above[0]]:.2f}" if above[0] else "at once"


def section_fits():
    ka = np.linspace(0.01, 3.8, 759)
    exact = plane_wave(ka)
    figure, panels = plt.subplots(1, 2, figsize=(10, 5), sharey=True, layout="constrained")
    labels = list(dict.fromkeys(fit[0] for fit in MODULUS_FITS + LENGTH_FITS))
    colours = dict(zip(labels, (*COLOURS, "#777777"), strict=True))
    dashes = dict(zip(labels, (*DASHES, "-"), strict=True))
    tables = []
    for panel, truth, fits, name in zip(panels, exact, (MODULUS_FITS, LENGTH_FITS), ("|R|", "l"), strict=True):
        rows = []
        for label, formula, function, stated in fits:
            error = np.abs(function(ka) / truth - 1)
            low, high = stated or (0, 3.8)
            inside = (ka >= low) & (ka <= high + 1e-9)
            panel.semilogy(ka[inside], error[inside], label=label, lw=2, color=colours[label], ls=dashes[label])
            panel.semilogy(ka, error, color=colours[label], lw=0.5, alpha=0.7)
            good = ["–", "–"] if low else [passed(ka, error, limit) for limit in (1e-3, 1e-2)]
            worst = np.max(error[inside])
            absolute = np.max(np.abs(function(ka) - truth)[inside])
            within = [percent(np.max(error[(ka <= limit + 1e-9) & (ka >= low)])) for limit in (1.5, 3.5)]
            given = f"{low:g} … {high:g}" if stated else "none known"
            over = [percent(worst), f"{absolute:.1e}"] if stated else ["", ""]
            rows.append([label, formula, given, *over, *within, *good])
        axes(panel, "Helmholtz number ka", None, f"relative error of fits of {name}")
        panel.set(xlim=(0, 3.8), ylim=(1e-5, 10))
        head = ["fit", name, "range given", "largest error there, relative", "absolute"]
        head += ["relative, ka ≤ 1.5", "ka ≤ 3.5", "0.1 % is passed at ka =", "1 % at ka ="]
        tables.append(table(head, rows))
    panels[0].set_ylabel("|fit / solver − 1|")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    picture = save(figure, "fits.png", "Relative error of engineering fits of |R| and l against ka")
    step = abs((0.6133 - 0.1168 * 0.25) - (0.6393 - 0.1104 * 0.5))
    first = solve(DuctMode(0, 0, 0.01)).error_estimate
    return f"""## 2. Engineering fits of |R| and l

Errors of **published** approximations relative to this solver, whose own error estimate is {first:.0e} to
{solve(DuctMode(0, 0, 3.8)).error_estimate:.0e}, at {len(ka)} frequencies 0.01 ≤ ka ≤ 3.8. Thick lines: within the
range given for the fit; thin lines: beyond it. Where no range is known, errors are listed up to ka = 1.5 and 3.5.

{picture}

{tables[0]}

{tables[1]}

The two branches of Davies et al. for l differ by {step:.0g} at ka = 0.5. Many fits are based on {LENGTH_1948}, whose
own error is {percent(LENGTH_1948 / plane_wave([1e-4])[1][0] - 1)}.

Not included: Norris & Sheng, J. Sound Vib. 135 (1989), whose rational fits are for a pipe with an infinite flange
(the unflanged rational fits here are those of [5]); the Padé form (2, 3) of Silva et al., whose coefficients could
not be confirmed; and fits for flanges of finite width. The coefficients of [4], [5] and [6] were checked against
public implementations; those of [3] were checked only against the solution itself and for continuity.
"""


# 3. Jet


def section_jet():
    grid = np.concatenate([np.linspace(0.02, 1.0, 28), np.linspace(1.08, 3.6, 36)])
    figure, panels = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    worst, count, reflected = 0.0, 0, 0.0
    for panel, jet, title in zip(panels, (REST, FREE), ("full Kutta condition", "no vortex shedding"), strict=True):
        for mach, colour, dash in zip(MACHS, COLOURS, DASHES, strict=False):
            beside = cut_on_helmholtz(0, 1, mach) + np.array([-0.02, -0.003, 0.003, 0.02])
            ka = np.sort(np.concatenate([grid, beside[beside < 3.6]]))
            solutions = [solve(DuctMode(0, 0, float(k), mach), jet=jet) for k in ka]
            worst = max(worst, *(s.error_estimate for s in solutions))
            count += len(solutions)
            values = [abs(s.reflection_pressure[0]) for s in solutions]
            reflected = max(reflected, ((1 - mach) / (1 + mach) * max(values)) ** 2)
            panel.plot(ka, values, color=colour, ls=dash, label=f"M = {mach:g}")
            if jet is FREE:
                panel.plot(0, (1 + mach) / (1 - mach), "<", color=colour, ms=6, clip_on=False)
        axes(panel, "Helmholtz number ka", None, title)
        panel.set(xlim=(0, 3.6), ylim=(0, 1.25 if jet is REST else 6))
    panels[0].plot(list(QUOTED_JET), list(QUOTED_JET.values()), "x", ms=8, mew=2, color="k", label="quoted, M = 0.3")
    panels[0].plot(0, 1, "<", color="k", ms=6, clip_on=False, label="limit ka → 0")
    panels[1].plot([], [], "<", color="k", ms=6, label="(1 + M) / (1 − M)")
    panels[0].set_ylabel("|R| of the pressure")
    for panel in panels:
        panel.legend(fontsize=8)
    picture = save(figure, "jet-reflection.png", "Pressure reflection coefficient of the plane wave with a jet")
    length = jet_lengths()
    quoted = []
    for value, expected in QUOTED_JET.items():
        solution = solve(DuctMode(0, 0, value, 0.3), jet=REST)
        ours = abs(solution.reflection_pressure[0])
        quoted.append([f"{value:g}", f"{ours:.7f}", f"{expected:.5f}", f"{ours - expected:+.0e}"])
        quoted[-1].append(f"{solution.error_estimate:.0e}")
    limits = []
    for mach in MACHS:
        low = 1e-3 * mach
        kutta, free = (solve(DuctMode(0, 0, low, mach), jet=jet) for jet in (REST, FREE))
        beta, bound = math.sqrt(1 - mach**2), (1 + mach) / (1 - mach)
        row = [f"{mach:g}", f"{low:.2g}", f"{abs(kutta.reflection_pressure[0]):.6f}", "1"]
        row += [f"{kutta.end_correction / beta:.5f}", f"{LENGTH_JET}"]
        limits.append([*row, f"{abs(free.reflection_pressure[0]):.6f}", f"{bound:.6f}"])
    return f"""## 3. Plane wave in a duct with a jet

Munt's problem [7, 8] has a vortex sheet at r = 1 downstream of the lip, fluid at rest outside, and equal densities and
sound speeds. |R| of the pressure may exceed one, but the reflected power, ((1 − M) / (1 + M))² |R|² times the incident
power, does not: the largest ratio below is {reflected:.6f}. The cusps are at the cut-on of mode (0, 1),
ka = 3.83 √(1 − M²).

{picture}

At M = 0.3 with the full Kutta condition. The "quoted" values are not from print; they come from an earlier, separate
computation of Munt's solution:

{table(["ka", "this solver", "quoted", "difference", "error estimate"], quoted)}

Low-frequency limits **published** by Rienstra [2], at ka = M / 1000; with the Kutta condition |R| and l / √(1 − M²),
without it |R| = (1 + M) / (1 − M):

{table(["M", "ka", "|R|, Kutta", "limit", "l / √(1 − M²)", "limit", "|R|, none", "limit"], limits)}

{length}

With the Kutta condition the end correction changes from {LENGTH_JET} to the value without flow, which is {LENGTH} and
decreases with ka, as the Strouhal number ka / M passes one (in the picture ka ≤ 1).

The largest error estimate of the {count} cases in the first picture is {worst:.0e}.
"""


def jet_lengths():
    """Picture of the end correction against the Strouhal number."""
    strouhal = np.concatenate([np.geomspace(0.01, 0.5, 8), np.geomspace(0.6, 20, 32)])
    figure, panel = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for mach, colour, dash in zip(MACHS[:4], COLOURS, DASHES, strict=False):
        kept = strouhal[strouhal * mach <= 1.0]
        scaled = [
            solve(DuctMode(0, 0, float(st * mach), mach), jet=REST).end_correction / math.sqrt(1 - mach**2)
            for st in kept
        ]
        panel.semilogx(kept, scaled, color=colour, ls=dash, label=f"M = {mach:g}")
    panel.axhline(LENGTH_JET, color=COLOURS[6], ls=":", lw=1)
    panel.axhline(LENGTH, color=COLOURS[6], ls=":", lw=1)
    panel.text(0.011, LENGTH_JET - 0.03, f"{LENGTH_JET}, Rienstra")
    panel.text(0.011, LENGTH + 0.012, f"{LENGTH}, no flow")
    axes(panel, "Strouhal number ka / M", "l / (a √(1 − M²))")
    panel.set_ylim(0.2, 0.68)
    panel.legend(fontsize=8, loc="center left")
    return save(figure, "jet-length.png", "End correction with a jet against the Strouhal number")


# 4. and 5. Power balance, two contours


def balance(m, helmholtz, mach):
    """Largest |residual| of the lowest and the highest cut-on mode; NaN where nothing propagates."""
    count = 0
    while cut_on_helmholtz(m, count, mach) < helmholtz:
        count += 1
    residuals = [abs(solve(DuctMode(m, n, helmholtz, mach)).power.residual) for n in {0, count - 1} if count]
    return max(residuals, default=math.nan)


def log_map(panel, x, y, values, levels, title):
    """Colour map of log10, grey where there is no value."""
    colours = plt.get_cmap("viridis", len(levels) - 1).copy()
    colours.set_bad("0.85")
    shown = np.log10(np.maximum(values, 10.0 ** levels[0]))
    image = panel.pcolormesh(x, y, shown, cmap=colours, norm=BoundaryNorm(levels, colours.N), shading="nearest")
    panel.set(xlabel="Helmholtz number ka", ylabel="Mach number M", title=title)
    return image


def section_power():
    ka, mach = np.linspace(0.5, 40, 24), np.linspace(-0.9, 0.9, 19)
    orders = (0, 2, 8, 24)
    maps = {m: np.array([[balance(m, float(k), float(M)) for k in ka] for M in mach]) for m in orders}
    levels = np.arange(-16, -11.5, 0.5)
    figure, panels = plt.subplots(1, 4, figsize=(12, 3.2), sharey=True, layout="constrained")
    for panel, (m, values) in zip(panels, maps.items(), strict=True):
        image = log_map(panel, ka, mach, values, levels, f"m = {m}")
    for panel in panels[1:]:
        panel.set_ylabel(None)
    figure.colorbar(image, ax=panels, label="log₁₀ |residual|")
    picture = save(figure, "power.png", "Residual of the power balance over ka and M without a jet")
    rows = [
        [m, np.count_nonzero(np.isfinite(v)), f"{np.nanmedian(v):.0e}", f"{np.nanmax(v):.0e}"] for m, v in maps.items()
    ]
    jet_ka, jet_mach = 12 * (np.arange(20) + 1) / 20, 0.9 * (np.arange(20) + 1) / 20
    residual, estimate = np.full((2, len(jet_mach), len(jet_ka)), np.nan)
    raised = []
    for i, M in enumerate(jet_mach):
        for j, k in enumerate(jet_ka):
            try:
                solution = solve(DuctMode(0, 0, float(k), float(M)), jet=REST)
                estimate[i, j] = solution.error_estimate
                residual[i, j] = abs(solution.power.residual)
            except ConvergenceError as error:
                raised.append(f"ka = {k:.2f}, M = {M:.3f}: {error}")
    pictures = []
    for name, values, label, low, width in (
        ("power-jet.png", residual, "log₁₀ |power residual|", -16.5, 0.5),
        ("two-contours.png", estimate, "log₁₀ of the relative difference", -13.75, 0.25),
    ):
        figure, panel = plt.subplots(figsize=(5.6, 3.9), layout="constrained")
        levels = np.arange(low, np.log10(np.nanmax(values)) + width, width)
        image = log_map(panel, jet_ka, jet_mach, values, levels, "m = 0, jet")
        figure.colorbar(image, ax=panel, label=label)
        pictures.append(save(figure, name, f"{label} over ka and M, plane wave with a jet"))
    cases = residual.size
    refused = "No case was raised as an error." if not raised else f"Raised as errors: {'; '.join(raised)}."
    return f"""## 4. Power balance

The residual is the incident power minus the reflected and radiated power and, with a jet, minus the power carried
away by the vortex sheet, divided by the incident power. The first picture is for uniform flow without a wake. It
shows the worse of the lowest and the highest cut-on mode, and is grey where no mode propagates:

{picture}

{table(["m", "points", "median |residual|", "largest"], rows)}

With a jet, fluid at rest outside, full Kutta condition, incident plane wave:

{pictures[0]}

{cases} points, 0.6 ≤ ka ≤ 12, 0.045 ≤ M ≤ 0.9: median {np.nanmedian(residual):.0e}, largest
{np.nanmax(residual):.0e}.
{refused}

## 5. Two contours

The factors of the vortex sheet's kernel are integrals along a path in the complex wavenumber plane that separates
waves travelling down the jet from waves travelling up. A mode on the wrong side of the path would give a wrong
result. Each case is therefore solved on two paths; their relative difference is the error estimate of the reflection
coefficients.

{pictures[1]}

Same {cases} points: median {np.nanmedian(estimate):.0e}, largest {np.nanmax(estimate):.0e}.
"""


# 6. Convergence


@contextlib.contextmanager
def setting(module, **values):
    """Change module constants temporarily."""
    before = {name: getattr(module, name) for name in values}
    vars(module).update(values)
    try:
        yield
    finally:
        vars(module).update(before)


def field_error(field, exact):
    """Relative error, the largest over psi, (u, v) and p, as `Field.error_estimate` is defined."""
    parts = (("potential",), ("axial_velocity", "radial_velocity"), ("pressure",))
    stacked = [[np.stack([getattr(f, name) for name in names]) for f in (field, exact)] for names in parts]
    return max(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in stacked)


def text(mode, jet):
    return f"m = {mode.m}, ka = {mode.helmholtz:g}, M = {mode.mach:g}{', jet' if jet else ''}"


CASES = (
    (DuctMode(0, 0, 1.0), None),
    (DuctMode(2, 0, 5.0, 0.3), None),
    (DuctMode(8, 0, 15.0, -0.5), None),
    (DuctMode(0, 0, 2.0, 0.3), Jet(instability=False)),
)


def section_convergence():
    x, r = -2 + 4 * (np.arange(32) + 0.5) / 32, 2 * (np.arange(16) + 0.5) / 16
    tolerances = np.geomspace(1e-1, 1e-9, 17)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    ratios, rows = [], []
    for (mode, jet), colour, mark in zip(CASES, COLOURS, "osD^", strict=False):
        exact = solve(mode, jet=jet, tolerance=1e-10).field(x, r)
        fields = [solve(mode, jet=jet, tolerance=float(tolerance)).field(x, r) for tolerance in tolerances]
        errors = np.array([field_error(field, exact) for field in fields])
        estimates = np.array([field.error_estimate for field in fields])
        left.loglog(tolerances, errors, color=colour, marker=mark, ms=4, label=text(mode, jet))
        left.loglog(tolerances, estimates, color=colour, ls="--", lw=1)
        ratios.append(np.min((estimates / errors)[errors > 1e-11]))
        default = solve(mode, jet=jet).field(x, r)
        rows.append([text(mode, jet), f"{field_error(default, exact):.1e}", f"{default.error_estimate:.1e}"])
    left.loglog(tolerances, tolerances, color="k", lw=0.8, ls=":")
    left.invert_xaxis()
    axes(left, "tolerance", "relative error over the grid", "near field")
    factor_ratio, mpmath_gap = plot_factorisation(right)
    for panel in (left, right):
        panel.plot([], [], color="k", label="true error")
        panel.plot([], [], color="k", ls="--", lw=1, label="error estimate")
        panel.set_ylim(1e-16, 100)
        panel.legend(fontsize=7.5, loc="upper right" if panel is left else "lower right")
    picture = save(figure, "convergence.png", "Errors of near field and reflection: tolerance, step")
    return f"""## 6. Convergence

Both quadratures are trapezoidal rules that converge exponentially: halving the step squares the error. The step for
the near field follows from the tolerance; the step for the factorisation is fixed.

{picture}

Left: near field (ψ, u, v, p) on {len(x)} × {len(r)} points, |x| < 2, 0 < r < 2, compared with the same field computed
to a tolerance of 1e-10; the dotted line is the tolerance. Where the true error exceeds 1e-11, the estimate is at
least {min(ratios):.2g} times the true error. With the default tolerance, 1e-6:

{table(["case", "true error", "error estimate"], rows)}

Right: reflection coefficient against the step of the factorisation. Without a jet the true error is relative to the
mpmath solver `analytic.reference`, which shares no quadrature with the fast solver; with the default step the two
differ by at most {mpmath_gap:.0e}. With a jet the true error is relative to a step of 0.02, and the estimate is the
difference between the two paths of section 5. Where the true error exceeds 1e-12, the estimate is at least
{factor_ratio:.2g} times the true error.
"""


def plot_factorisation(panel):
    """Error of the reflection coefficient against the factorisation's step: least ratio of estimate to error; gap."""
    steps, ratios, gaps = np.geomspace(0.5, 0.04, 18), [], []
    for (mode, jet), colour, mark in zip(CASES, COLOURS, "osD^", strict=False):
        module = sheet_factors if jet else factorisation
        extra = {"_AGREEMENT": np.inf} if jet else {}

        def reflected(step, mode=mode, jet=jet, module=module, extra=extra):
            with setting(module, STEP=step, **extra):
                sheet_factors.factorise.cache_clear()  # those kept have another step
                solution = solve(mode, jet=jet, tolerance=1e9)
                return solution.reflection[mode.n], solution.error_estimate

        if jet:
            exact = reflected(0.02)[0]
        else:
            exact = complex(Reference(mode.m, mode.n, mode.helmholtz, mode.mach, digits=17).reflection(mode.n))
            gaps.append(abs(reflected(module.STEP)[0] / exact - 1))
        kept = []
        for step in steps:
            with contextlib.suppress(ConvergenceError):  # too coarse for the kernel's phase to be followed
                value, estimate = reflected(step)
                kept.append((step, abs(value / exact - 1), estimate))
        size, error, estimate = np.array(kept).T
        panel.semilogy(size, np.maximum(error, 1e-17), color=colour, marker=mark, ms=4, label=text(mode, jet))
        panel.semilogy(size, estimate, color=colour, ls="--", lw=1)
        ratios.append(np.min((estimate / np.maximum(error, 1e-300))[error > 1e-12], initial=np.inf))
    for value, name in ((factorisation.STEP, "no jet"), (sheet_factors.STEP, "jet")):
        panel.axvline(value, color="k", lw=0.8, ls=":")
        panel.text(value, 50, name, rotation=90, fontsize=7, va="top", ha="right")
    axes(panel, "step of the factorisation", "relative error of R", "reflection coefficient")
    return min(ratios), max(gaps)


# 7. Directivity


def section_directivity():
    theta = np.radians(np.linspace(0.25, 179.75, 719))
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.0), subplot_kw={"projection": "polar"}, layout="constrained")
    rows = []
    for panel, mach in zip(panels, (0.0, 0.3, 0.6), strict=True):
        cone = math.acos(1 / (1 + mach))
        for ka, colour, dash in ((2.0, COLOURS[0], "-"), (4.0, COLOURS[2], "-."), (8.0, COLOURS[1], "--")):
            mode = DuctMode(0, 0, ka, mach)
            solution = solve(mode, jet=REST) if mach else solve(mode)
            modulus = np.abs(solution.directivity(theta))
            level = 20 * np.log10(modulus / modulus.max())
            panel.plot(theta, np.maximum(level, -50), color=colour, ls=dash, label=f"ka = {ka:g}")
            at = [f"{np.interp(np.radians(angle), theta, level):.1f}" for angle in (10, 20, 40, 90)]
            edge = f"{math.degrees(cone):.1f}°" if mach else "–"
            rows.append([f"{mach:g}", f"{ka:g}", edge, f"{np.degrees(theta[np.argmax(modulus)]):.0f}°", *at])
        if mach:
            panel.fill_between(np.linspace(0, cone, 60), -50, 2, color="0.8", zorder=0)
            panel.plot([cone, cone], [-50, 2], color="k", lw=0.8)
        panel.set_thetamin(0)
        panel.set_thetamax(180)
        panel.set(ylim=(-50, 2), yticks=[-50, -40, -30, -20, -10, 0])
        panel.set_title(f"M = {mach:g}", y=0.86)
        panel.set_yticklabels(["-50", "-40", "-30", "-20", "-10", "0"], fontsize=7)
        panel.set_xticks(np.radians([0, 30, 60, 90, 120, 150, 180]))
        panel.set_xlabel("level [dB re maximum]", labelpad=-28)
    panels[0].legend(fontsize=8, loc="upper left", bbox_to_anchor=(-0.14, 0.98))
    picture = save(figure, "directivity.png", "Directivity of the plane wave without and with a jet")
    head = ["M", "ka", "edge of the cone", "main lobe at", "level at 10° [dB]", "20°", "40°", "90°"]
    return f"""## 7. Refraction by the jet

Directivity for an incident plane wave, with fluid at rest outside and the full Kutta condition; angles are measured
from the jet axis (0° is downstream). Sound waves in the jet have axial wavenumbers up to k / (1 + M). The sheet
preserves them, so that outside cos θ ≤ 1 / (1 + M). The remaining angles, in grey, are the cone of silence: only
evanescent waves carry sound there, and less of it at higher frequencies. Without flow there is no cone.

{picture}

{table(head, rows)}
"""


# 8. Jets without a factorisation


def section_judge():
    rows, residuals = [], []
    for mode, jet in jet_judge.CASES:
        found = jet_judge.differences(mode, jet)
        residuals.append(jet_judge.residuals(mode, jet))
        source = [f"({mode.m}, {mode.n})", f"{mode.helmholtz:g}", f"{mode.mach:g}", f"{mode.hub:g}"]
        outside = [jet.mach_outer, jet.sound_speed_ratio, jet.density_ratio, jet.kutta]
        rows.append([*source, *(f"{value:g}" for value in outside), *(f"{value:.0e}" for value in found.values())])
    wave = max(max(one["wave inside"], one["wave outside"]) for one in residuals)
    sheet = max(max(one["pressure"], one["displacement"]) for one in residuals)
    head = ["mode", "ka", "M", "hub", "M outside", "sound speed", "density", "Kutta", "R", "ψ inside", "ψ outside", "D"]
    return f"""## 8. Jets without a factorisation

The displacement η of the vortex sheet solves an integral equation: the pressure is continuous across x > 0. The judge
`benchmarks/jet_judge.py` solves it by Galerkin's method with {jet_judge.ORDERS} Laguerre functions. It needs no
factors and no zeros of the kernel, and shares no code with the solver. Its functions either exclude the growing wave
(Kutta parameter 0) or leave the lip smoothly (1); other Kutta parameters are weighted means of the two. Relative
differences in R of all modes that are cut on, in the potential at nine points inside and twelve outside the jet, on
both sides of the lip, and in D at seven angles towards the upstream side:

{table(head, rows)}

Both rest on the same kernel. It is tested by differentiating the solver's near field at Chebyshev points: relative to
its terms, the convected wave equation holds to {wave:.0e} in both streams, and pressure and displacement are continuous
across the sheet to {sheet:.0e}. For Kutta parameter 0 the fields are asked for with `instability=False`.

<!-- slow: a minute -->
```console
$ python benchmarks/jet_judge.py
...
12 jets: largest difference ..., largest residual of a condition ...
```

With `--random 100` it compares random jets. Random inputs of every kind, types and ranges included, at every entry
point and on the command line:

<!-- not run: an hour -->
```console
$ python benchmarks/random_inputs.py --cases 5000 --seed 1
...
```
"""


# 9. Liners


def around(centre, m, ka, sizes, phases):
    """Error at centre * (1 + size * exp(i phase)), and its estimate, nan where raised: (size, phase) arrays.

    Of all reflected amplitudes and of those at the lip, over the largest. They are analytic in the impedance, so that
    they follow from Cauchy's integral over a circle that is wider.
    """

    def amplitudes(offset):
        lined = solve(DuctMode(m, 0, ka), liner=Liner(centre * (1 + offset), 1.0, 0.5))
        return np.array([lined.reflection, lined.transmission]), lined.error_estimate

    circle = 0.2 * np.exp(2j * np.pi * np.arange(32) / 32)
    values = np.array([amplitudes(offset)[0] for offset in circle])
    error, estimate = np.full((2, len(sizes), len(phases)), np.nan)
    for index in np.ndindex(error.shape):
        offset = sizes[index[0]] * np.exp(1j * phases[index[1]])
        exact = np.mean(values * (circle / (circle - offset))[:, None, None], axis=0)
        with contextlib.suppress(ConvergenceError):
            found, estimate[index] = amplitudes(offset)
            error[index] = np.max(np.max(np.abs(found - exact), axis=1) / np.max(np.abs(exact), axis=1))
    return error, estimate


def plot_exceptional_points(ka=8.0):
    """Picture of the errors around exceptional points, and rows of a table."""
    sizes, phases = np.geomspace(1e-9, 3e-2, 16), 2 * np.pi * np.arange(16) / 16
    figure, panels = plt.subplots(1, 3, figsize=(12, 3.8), subplot_kw={"projection": "polar"}, layout="constrained")
    levels, rows = np.arange(-16, -5, 1.0), []
    for panel, (m, guess) in zip(panels, liner_judge.EXCEPTIONAL, strict=True):
        centre = 1j * ka / liner_judge.exceptional_point(m, guess)
        error, estimate = around(centre, m, ka, sizes, phases)
        colours = plt.get_cmap("viridis", len(levels) - 1).copy()
        colours.set_bad("0.8")
        shown = np.repeat(np.log10(np.maximum(error, 1e-16)), ARC, axis=1)
        norm = BoundaryNorm(levels, colours.N)
        angles = (np.arange(shown.shape[1] + 1) / ARC - 0.5) * (phases[1] - phases[0])
        edges = np.log10(sizes[0]) + (np.arange(len(sizes) + 1) - 0.5) * np.log10(sizes[1] / sizes[0])
        image = panel.pcolormesh(angles, edges, shown, cmap=colours, norm=norm)
        panel.set_ylim(edges[0], edges[-1])
        panel.set(yticks=[-8, -6, -4, -2], xticks=[])
        panel.set_yticklabels(["1e-8", "1e-6", "1e-4", "1e-2"], fontsize=8)
        panel.set_rlabel_position(60)
        panel.grid(color="k", alpha=0.35, lw=0.6)
        panel.set_title(f"m = {m}, Z = {centre:.4f}".replace("j", "i"))
        raised = sizes[np.all(np.isnan(error), axis=1)]
        seen = error > 1e-14
        ratio = np.min((estimate / np.maximum(error, 1e-300))[seen])
        rows.append([m, f"{centre:.5f}".replace("j", "i"), f"{np.nanmax(error):.0e}", f"{ratio:.2g}"])
        rows[-1] += [f"{np.max(raised, initial=0.0):.0e}", f"{np.count_nonzero(np.isnan(error))} of {error.size}"]
    figure.colorbar(image, ax=panels, label="log₁₀ relative error")
    return save(figure, "exceptional.png", "Errors around three exceptional points, grey where they are refused"), rows


def liner_identities(cases, judge):
    """Largest residual of the power balance and largest estimate of random cases."""
    rng, residual, estimate = np.random.default_rng(0), 0.0, 0.0
    for _ in range(cases):
        source, liner = judge.random_case(rng)
        lined = solve(source, liner=liner)
        residual, estimate = max(residual, abs(lined.power.residual)), max(estimate, lined.error_estimate)
    return [f"{residual:.0e}", f"{estimate:.0e}"]


def reciprocity(cases):
    """Largest asymmetry of liners' scattering matrices, weighted by the flux of hard modes."""
    rng, worst = np.random.default_rng(1), 0.0
    for _ in range(cases):
        source, liner = liner_judge.random_case(rng)
        worst = max(worst, liner_judge.asymmetry(source, liner))
    return worst


def liner_limits():
    """Rows of the limits of hard and soft walls and of no flow."""
    mode, duct = DuctMode(1, 0, 3.0), special.jnp_zeros(1, 1)[0]
    hard = solve(mode).reflection[0] * np.exp(3j * np.sqrt(9 - duct**2))
    rows = []
    for z in (1e2, 1e4, 1e6):
        gap = abs(solve(mode, liner=Liner(z, 1.0, 0.5)).reflection[0] - hard)
        rows.append(["hard wall, R − R(hard)", f"Z = {z:.0e}", f"{gap:.1e}", "like 1 / Z"])
    for z in (1e-2, 1e-4, 1e-6):
        gap = 1 - abs(solve(DuctMode(0, 0, 1.0), liner=Liner(z, 6.0, 0.5)).reflection[0])
        rows.append(["soft wall below its cut-on, 1 − |R|", f"Z = {z:.0e}", f"{gap:.1e}", "like Z ln Z"])
    liner = Liner(1 - 1j, 1.0, 0.5)
    rest = solve(DuctMode(0, 0, 2.0), liner=liner).reflection[0]
    for mach in (1e-2, 1e-4, 1e-6):
        gap = abs(solve(DuctMode(0, 0, 2.0, mach), liner=liner).reflection[0] - rest)
        rows.append(["no flow, R − R(0)", f"M = {mach:.0e}", f"{gap:.1e}", "like M²"])
    return rows


def section_liners():
    picture, points = plot_exceptional_points()
    galerkin = []
    rng = np.random.default_rng(1)
    for _ in range(4):
        source, liner = liner_judge.random_case(rng, orders=4, helmholtz=8.0, sizes=(0.3, 10))
        galerkin.append(liner_judge.galerkin_difference(source, liner)[0])
    still = np.max([liner_judge.differences(*case) for case in liner_judge.ELEMENTS[:4]], axis=0)
    moving = np.max([liner_judge_flow.differences(*case, layers=4) for case in liner_judge_flow.ELEMENTS[:3]], axis=0)
    judges = [
        ["Galerkin's method in hard-walled modes, extrapolated", "0", len(galerkin), f"{max(galerkin):.0e}", "", ""],
        ["finite elements with the open end", "0", 4, *(f"{value:.0e}" for value in still)],
        ["finite elements with Myers' condition", "−0.3 … 0.5", 3, *(f"{value:.0e}" for value in moving)],
    ]
    sums = [["M = 0", 60, *liner_identities(60, liner_judge), f"{reciprocity(60):.0e}"]]
    sums.append(["|M| ≤ 0.7", 20, *liner_identities(20, liner_judge_flow), ""])
    return f"""## 9. Liners

A liner between hard walls, in front of the open end. Two judges share nothing with the solver but Bessel functions and
the hard-walled duct: Galerkin's method in hard-walled modes has no lined modes and no factors, and finite elements
have the open end, too. Largest differences; benchmarks/liners.py and liners_flow.py have more cases:

{table(["judge", "M", "cases", "R", "field", "D"], judges)}

Random cases with m ≤ 20, ka ≤ 40 (20 with flow), impedances from 0.05 to 50 (0.1 to 20) of any phase, a third of them
with a hub. None was refused. Power: incident less reflected, absorbed and radiated, where what is absorbed is an
integral along the wall. Reciprocity: asymmetry of the scattering matrices of the liner alone.

{table(["flow", "cases", "power balance", "largest error estimate", "reciprocity"], sums)}

Limits:

{table(["limit", "at", "difference", "it falls"], liner_limits())}

Where two lined modes coincide, at an exceptional point in Z (Cremer's optimum is one), the modes' amplitudes are
infinite while their sum is not. What is reflected and sent to the lip is analytic in Z there, so that Cauchy's integral
over a wide circle gives it inside. Each picture is the plane of Z around such a point, in logarithmic distance
|Z / Z₀ − 1| from 1e-9 to 0.03, with the largest error of these amplitudes over the largest of them in colour. Grey: the
solver refuses, by its own estimate.

{picture}

{table(["m", "Z₀ at ka = 8", "largest error", "least estimate / error", "all refused up to", "refused"], points)}
"""


REFERENCES = """## References

1. H. Levine, J. Schwinger, On the radiation of sound from an unflanged circular pipe, Phys. Rev. 73 (1948) 383–406.
2. S. W. Rienstra, A small Strouhal number analysis for acoustic wave–jet flow–pipe interaction, J. Sound Vib. 86
   (1983) 539–556.
3. P. O. A. L. Davies, J. L. Bento Coelho, M. Bhattacharya, Reflection coefficients for an unflanged pipe with flow,
   J. Sound Vib. 72 (1980) 543–546.
4. R. Caussé, J. Kergomard, X. Lurton, Input impedance of brass musical instruments, J. Acoust. Soc. Am. 75 (1984)
   241–254.
5. J.-P. Dalmont, C. J. Nederveen, N. Joly, Radiation impedance of tubes with different flanges, J. Sound Vib. 244
   (2001) 505–534.
6. F. Silva, P. Guillemain, J. Kergomard, B. Mallaroni, A. N. Norris, Approximation formulae for the acoustic radiation
   impedance of a cylindrical pipe, J. Sound Vib. 322 (2009) 255–263.
7. R. M. Munt, The interaction of sound with a subsonic jet issuing from a semi-infinite cylindrical pipe, J. Fluid
   Mech. 83 (1977) 609–640.
8. R. M. Munt, Acoustic transmission properties of a jet pipe with subsonic jet flow, I, J. Sound Vib. 142 (1990)
   413–436.
"""


def main():
    """Write the page and its pictures."""
    started = time.perf_counter()
    PICTURES.mkdir(exist_ok=True)
    plt.rcParams.update({"font.size": 9, "axes.titlesize": 10, "savefig.facecolor": "white"})
    parts = []
    for section in (
        section_plane_wave,
        section_fits,
        section_jet,
        section_power,
        section_convergence,
        section_directivity,
        section_judge,
        section_liners,
    ):
        before = time.perf_counter()
        parts.append(section())
        print(f"{section.__name__}: {time.perf_counter() - before:.0f} s", flush=True)
    seconds = time.perf_counter() - started
    versions = f"Python {platform.python_version()}, numpy {np.__version__}, scipy {scipy.__version__}"
    introduction = f"""# Validation of the Wiener–Hopf solver

This page compares what the package `analytic` computes with published results, with independent computations and with
conservation of power. The page and its pictures are generated; every number was computed in the run that wrote it,
except those marked as published or quoted. Do not edit it; run

<!-- not run: it writes this page -->
```console
$ python docs/validation.py
```

(last run: {seconds:.0f} s on one core of a shared machine, {versions}).

Conventions: time factor e^(−iωt); lengths in duct radii a; hard wall at r = 1, x < 0; open end at x = 0; M is the
Mach number in the duct, positive for outflow; ka = ωa / c. Modes (m, n) have azimuthal order m and radial order n,
starting at 0; (0, 0) is the plane wave.
"""
    page = "\n".join([introduction, *parts, REFERENCES])
    (HERE / "validation.md").write_text(page, encoding="utf-8")
    print(f"docs/validation.md in {seconds:.0f} s")


if __name__ == "__main__":
    main()
