"""wavenet attribute."""

from typing import Annotated

import typer

from .common import Data, Device, Json, Model, Out, Run, expect_folder, folder, point_of, say


def attribute(
    run: Run,
    data: Data,
    output: Out,
    case: Annotated[int, typer.Option(help="Number of the case in the file, from 0.")] = 0,
    at: Annotated[
        str | None,
        typer.Option(
            metavar="X,R",
            help="Place of the output that is explained [duct radii]: the nearest cell [0.1,1] or microphone [the "
            "first]; for jets, any point in the direction of the directivity D [0,1].",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="rap, rap-weight, rap-reference, lrp-epsilon, lrp-alpha-beta, input-x-gradient, integrated-gradients "
            "or chance."
        ),
    ] = "rap",
    model: Model = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Compute the relevance of the inputs for one output, by Relative Attributing Propagation or another method.

    Example: wavenet attribute run --data derivative.h5 --case 3 --at 0.1,1.0 -o relevance
    """
    from wavenet.explain.methods import METHODS

    from ..devices import usable
    from ..study import attribute as relevances

    usable(device)
    point = None if at is None else point_of(at)
    if method not in METHODS:
        raise ValueError(f"--method must be one of {', '.join(METHODS)}, got {method!r}")
    expect_folder(output)
    found = relevances(run, data, case, at=point, method=method, model=model, device=device)
    said = {"attribution": str(found.write(folder(output)))}
    say(said | ({} if found.worst_miss is None else {"worst_miss": found.worst_miss}), as_json)
    if not as_json:
        print(found.table())
