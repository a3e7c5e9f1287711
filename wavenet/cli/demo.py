"""wavenet demo."""

import json
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .attribute import attribute
from .check import check
from .common import Json, expect_folder, folder, say
from .compare import compare
from .generate import generate
from .solve import solve
from .train import train

_AT = {"forward": "7,7"}  # microphone to explain: the first one is on the axis, where all m > 0 are silent
_FEWEST = 20  # cases: of fewer some split may have none


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write; must be new or empty.")] = Path(
        "demo"
    ),
    cases: Annotated[int | None, typer.Option(help="Number of cases of each dataset [the recipe's].")] = None,
    as_json: Json = False,
) -> None:
    """Run every step on a small scale: solve, generate, check, train four networks, compare, attribute.

    Takes about five minutes on two cores.

    Example: wavenet demo -o demo
    """
    from ..study import demo as front

    if cases is not None and cases < _FEWEST:
        raise ValueError(
            f"--cases must be at least {_FEWEST}, so that some are there to validate and to test, got {cases}"
        )
    expect_folder(output)
    out = folder(output)
    if any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: the output folder must be new or empty")
    started = time.perf_counter()
    runs = {"forward": ("feedforward",), "derivative": ("unet", "constrained", "constrained_unet")}

    def step(name: str, command: Callable[..., None], *arguments: Any, **options: Any) -> None:
        print(f"[{time.perf_counter() - started:5.0f} s] {name}", file=sys.stderr, flush=True)
        command(*arguments, **options)

    step("solve", solve, m=2, n=0, helmholtz=5.0, as_json=True, plot=out / "mode_2_0.png")
    metrics: dict[str, dict] = {}
    for task, models in runs.items():
        file = out / f"{task}.h5"
        step(f"generate {task}-demo", generate, f"{task}-demo", file, cases=cases)
        step(f"check {file.name}", check, file)
        for name in models:
            run, report = out / f"run-{name}", out / f"compare-{name}"
            step(f"train {name}", train, task, file, run, name, as_json=not sys.stderr.isatty())
            step(f"compare {name}", compare, [str(run)], file, report)
            step(f"attribute {name}", attribute, str(run), file, out / f"attribute-{name}", at=_AT.get(task))
            metrics[name] = json.loads((report / "metrics.json").read_text())
    attributions = [json.loads(path.read_text()) for path in out.glob("attribute-*/attribution.json")]
    summary = front.summarise(metrics, attributions, time.perf_counter() - started)
    (out / "metrics.json").write_text(json.dumps(summary, indent=1))
    command = shlex.join(["wavenet", "demo", "-o", str(output), *([] if cases is None else ["--cases", str(cases)])])
    page = front.front_page(out, summary, metrics, command)
    (out / "index.html").write_text(page, encoding="utf-8", errors="backslashreplace")
    say(summary if as_json else {"report": str(out / "index.html"), "seconds": round(summary["seconds"])}, as_json)
    if not as_json:
        say({name: f"median {value:.2e}" for name, value in summary["median"].items()}, False)
