"""wavenet explore."""

import contextlib
from typing import Annotated

import typer


def explore(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1, 0 for any that is free.")] = 8050,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Explore modes in the browser: field, directivity, reflection, the surrogates beside them, relevance.

    Serves this machine only, needs no internet, and runs until Ctrl-C.

    Example: wavenet explore
    """
    if not 0 <= port < 65536:
        raise ValueError(f"--port must lie in 0 ... 65535, got {port}")
    try:
        from ..study.page.server import FIRST, Page
    except ModuleNotFoundError as error:
        if error.name not in ("dash", "plotly"):
            raise
        raise OSError("explore needs dash: pip install 'wavenet[explore]'") from None
    from ..study.bench import Bench

    bench = Bench()
    with Page(bench, port) as page:
        bench.warm(FIRST)
        print(f"{page.url}  (Ctrl-C ends it)", flush=True)
        if not no_browser:
            import webbrowser

            webbrowser.open(page.url)
        with contextlib.suppress(KeyboardInterrupt):
            page.wait()
