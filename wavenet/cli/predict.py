"""wavenet predict."""

from typing import Annotated

import typer

from .common import (
    Angles,
    DensityRatio,
    Device,
    FactorRun,
    HasJet,
    Helmholtz,
    Hub,
    Json,
    Kutta,
    MachOuter,
    Plot,
    SoundSpeedRatio,
    angles_of,
    describe,
    far_field_values,
    jet_or_none,
    print_far_field,
    print_loudest,
    say,
)
from .units import Loudness, Stream, with_units


# long: options
@with_units
def predict(
    stream: Stream,
    loudness: Loudness,
    m: Annotated[int, typer.Option(help="Azimuthal order m, of either sign.")],
    n: Annotated[int, typer.Option(help="Radial order n, from 0; (0, 0) is the plane wave.")],
    run: FactorRun = None,
    helmholtz: Helmholtz = None,
    mach: Annotated[float, typer.Option(help="Mach number in the duct, -1 ... 1, > 0 towards the open end.")] = 0.0,
    hub: Hub = 0.0,
    jet: HasJet = False,
    mach_outer: MachOuter = 0.0,
    sound_speed_ratio: SoundSpeedRatio = 1.0,
    density_ratio: DensityRatio = 1.0,
    kutta: Kutta = 1.0,
    angles: Angles = "0:180:37",
    coverage: Annotated[float, typer.Option(help="Coverage of the error bar: 0.5, 0.8, 0.9, 0.95 or 0.99.")] = 0.95,
    extrapolate: Annotated[
        bool,
        typer.Option(
            "--extrapolate",
            help="Accept K = ka / sqrt(1 - M^2) up to a tenth of its range outside it, without error bar.",
        ),
    ] = False,
    device: Device = "cpu",
    as_json: Json = False,
    plot: Plot = None,
) -> None:
    """Predict the far-field pressure in dB of one duct mode by the surrogate, with an error bar.

    Beside it stands the potential's directivity D, as of wavenet solve.

    Example: wavenet predict --m 2 --n 0 --helmholtz 5 --mach 0.3

    Example: wavenet predict --m 2 --n 0 --helmholtz 5 --mach 0.3 --jet --sound-speed-ratio 0.8 --density-ratio 1.5
    """
    degrees = angles_of(angles)
    from ..study import prediction

    streams = jet_or_none(jet, mach_outer, sound_speed_ratio, density_ratio, kutta)
    if streams is not None and extrapolate:
        raise ValueError("--extrapolate is for uniform flow: the network of jets keeps to its range")
    source = stream.mode(m, n, helmholtz, mach, hub)
    strength, options = loudness.values(stream.radius), {"coverage": coverage}
    if streams is None and run is None and device == "cpu":
        found = prediction.predict_in_numpy(source, degrees, extrapolate=extrapolate, loudness=strength, **options)
    elif streams is None:
        from ..devices import usable

        place = usable(device)
        uniform = prediction.load_network(run).to(place)
        found = prediction.predict(uniform, source, degrees, extrapolate=extrapolate, loudness=strength, **options)
    else:
        from ..devices import usable
        from ..study import jets

        network = jets.network_for(source, streams, run).to(usable(device))
        found = jets.predict(network, source, streams, degrees, loudness=strength, **options)
    if plot is not None:
        from ..study import plots

        plots.far_field(found.far, describe(source, ", by the surrogate"), plot)
    if as_json:
        say({**far_field_values(found.far), "error_bar": found.error_bar, "coverage": coverage}, True)
        return
    print(describe(source, ", by the surrogate"))
    if found.error_bar is None:
        print("outside the training range: no error bar")
    else:
        print(f"relative L2 error of D over the arc at most {found.error_bar:.1e}, with probability {coverage}")
    print_far_field(found.far)
    print_loudest(*found.far.loudest)
