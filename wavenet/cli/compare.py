"""wavenet compare."""

import shlex
from typing import Annotated

import typer

from .common import Data, Device, Json, Out, Runs, expect_folder, folder, say

Models = Annotated[
    list[str] | None,
    typer.Option(metavar="FILE.py:CLASS", help="Network of a run that is not one of the package's; once for each."),
]


def compare(
    run: Runs,
    data: Data,
    output: Out,
    model: Models = None,
    device: Device = "cpu",
    as_json: Json = False,
) -> None:
    """Compare trained networks with the Wiener–Hopf solution on the test cases, and write a report.

    Beside them stand methods without training, such as finite differences. With --json, the errors of a network are
    under its name if there are several.

    Example: wavenet compare run --data derivative.h5 -o report

    Example: wavenet compare run unet --data derivative.h5 -o report
    """
    from ..devices import usable
    from ..study import compare as against_the_solver

    usable(device)
    expect_folder(output)
    found = against_the_solver(run, data, model=model, device=device)
    out = folder(output)
    named = [*(part for one in model or () for part in ("--model", one)), *_unless_cpu(device)]
    command = shlex.join(["wavenet", "compare", *run, "--data", str(data), "-o", str(output), *named])
    report = found.write(out, command=command)
    if as_json:
        every = {one.network: _shown(one.metrics()) for one in found}
        say({"report": str(report)} | (every if len(found) > 1 else next(iter(every.values()))), True)
        return
    say({"report": str(report)}, False)
    for one in found:
        print(" ".join(one.verdict.sentences()))
    print("relative L2 error of the test cases:")
    print(found.table())


def _unless_cpu(device: str) -> list[str]:
    return ["--device", device] if device != "cpu" else []


def _shown(metrics: dict[str, object]) -> dict[str, object]:
    """What is printed of all numbers of a comparison."""
    verdict = metrics["verdict"]
    assert isinstance(verdict, list)
    return {"verdict": " ".join(verdict)} | {key: metrics[key] for key in ("median", "percentile_95")}
