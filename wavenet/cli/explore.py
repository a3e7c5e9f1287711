"""wavenet explore."""

import contextlib
from typing import Annotated

import typer

from .common import Device


def explore(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 picks a free one.")] = 8050,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Print the address without opening a browser.")
    ] = False,
    device: Device = "cpu",
) -> None:
    """Explore modes in the browser, with jets, hubs and liners: fields, levels, surrogates, and relevance.

    The page is served to this machine only, without internet access, until Ctrl-C.

    Example: wavenet explore
    """
    if not 0 <= port < 65536:
        raise ValueError(f"--port must lie in 0 ... 65535, got {port}")
    try:
        from ..study.page.server import FIRST, Page, library

        library()
    except ModuleNotFoundError as error:
        if error.name != "plotly":
            raise
        raise OSError("explore needs plotly: pip install 'wavenet[explore]'") from None
    from ..devices import usable
    from ..study.bench import Bench

    bench = Bench(usable(device))
    with Page(bench, port) as page:
        bench.warm(FIRST)
        print(f"{page.url}  (Ctrl-C to stop)", flush=True)
        if not no_browser:
            import webbrowser

            webbrowser.open(page.url)
        with contextlib.suppress(KeyboardInterrupt):
            page.wait()
