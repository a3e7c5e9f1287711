"""wavenet detect."""

import re
from pathlib import Path
from typing import Annotated

import typer

from .common import (
    DensityRatio,
    Device,
    FactorRun,
    HasJet,
    Hub,
    Json,
    Kutta,
    MachOuter,
    Plot,
    SoundSpeedRatio,
    jet_or_none,
    say,
    warn,
)


# long: options
def detect(
    array: Annotated[
        Path,
        typer.Option(
            "--array",
            metavar="FILE",
            help="HDF5 file with x, r [radii], phi [rad], pressure [rho c^2], attributes helmholtz, mach.",
        ),
    ],
    run: FactorRun = None,
    modes: Annotated[
        str | None,
        typer.Option(
            metavar="M,N;M,N", help="Modes to look for [all cut-on modes of the learned orders, either sign of m]."
        ),
    ] = None,
    few: Annotated[
        bool, typer.Option("--few", help="Assume that few modes are present, and select them by an l1 penalty.")
    ] = False,
    hub: Hub = 0.0,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    coverage: Annotated[float, typer.Option(help="Coverage of the confidence intervals, between 0 and 1.")] = 0.95,
    device: Device = "cpu",
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Estimate the complex amplitudes of duct modes from the pressures at a microphone array, by the surrogate.

    With a jet the microphones stand outside it, at least half a radius from the duct's lip.

    Example: wavenet detect --array pressures.h5 --few

    Example: wavenet detect --array pressures.h5 --jet --sound-speed-ratio 0.8 --density-ratio 1.5
    """
    from data.microphones import read_array

    measured = read_array(array)
    wanted = None if modes is None else _modes(modes)

    from ..devices import usable
    from ..study import detection, jets, prediction
    from ..study.jet_arrays import JetRadiation

    place = usable(device)
    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    if streams is not None and place.type != "cpu":
        raise ValueError(f"the network of jets computes on the CPU only, got --device {device}")
    if streams is None and hub:
        raise ValueError(f"--hub {hub} needs --jet: the network of uniform flow knows no hub")
    model: detection.Radiation = (
        prediction.load_network(run).to(place)
        if streams is None
        else JetRadiation(jets.load_network(run), streams, hub)
    )
    if wanted is None:
        warn(detection.unlearned_orders(model, measured))
    found = detection.detect(model, measured, wanted, few=few, coverage=coverage)
    warn(found.warnings)
    if plot is not None:
        from ..study import plots

        plots.modes(found, f"ka = {measured.helmholtz:.6g}, M = {measured.mach:.3g}", plot)
    if as_json:
        rows = [
            {
                "m": row.m,
                "n": row.n,
                "amplitude": [row.amplitude.real, row.amplitude.imag],
                "half_width": row.half_width,
            }
            for row in found.modes
        ]
        rest = {"noise": found.noise, "condition": found.condition, "coverage": coverage, "warnings": found.warnings}
        say({"modes": rows} | rest, True)
        return
    print(
        f"ka = {measured.helmholtz:.6g}, M = {measured.mach:.3g}, {len(measured.x)} microphones, "
        f"noise {found.noise:.2e}"
    )
    print(f"condition number {found.condition:.1f}; intervals of the real and of the imaginary part: {coverage:.0%}")
    print("   m   n        real   imaginary        +-     modulus  dB re the largest")
    for row, level in zip(found.modes, found.levels, strict=True):
        amplitude = f"{row.amplitude.real:12.5f}{row.amplitude.imag:12.5f}{row.half_width:10.5f}"
        print(f"{row.m:4d}{row.n:4d}{amplitude}{abs(row.amplitude):12.5f}{level:19.2f}")


def _modes(text: str) -> list[tuple[int, int]]:
    """Modes (m, n) given as m,n;m,n."""
    if not re.fullmatch(r"-?\d+,\d+(;-?\d+,\d+)*", text):
        raise ValueError(f"--modes must be m,n;m,n with n >= 0, such as '0,0;2,1', got {text!r}")
    found = [(int(m), int(n)) for m, n in (part.split(",") for part in text.split(";"))]
    if len(set(found)) < len(found):
        raise ValueError(f"--modes names a mode twice: {text!r}")
    return found
