"""Response times of the page of `wavenet explore`: python benchmarks/explore.py [--browser /usr/bin/chromium].

Median and largest time of the server's callbacks, for modes that it has not seen before, and in a browser from a click
or a changed number to the picture on the screen. A slider sends its value 0.12 s after its last move, a number 0.35 s
after the last key; these delays are not included. The last column is the median processor time, which does not depend
on other programs: of the server, or of the server and the browser's page together, as if all ran on one core.
"""

import argparse
import shutil
import time
from collections import defaultdict

import numpy as np
import torch

from wavenet import jets
from wavenet.study.bench import DEGREES, Bench
from wavenet.study.controls import Mode
from wavenet.study.page import layout
from wavenet.study.page.server import FIRST, Page

FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
COUNT = 15
PICTURES = {
    "uniform": ("field", "directivity", "derivative", "relevance"),
    "jet": ("field", "directivity"),
}
# Resolves when the picture has been drawn and the browser has had a frame since.
DRAWN = """([id, act]) => new Promise((done) => {
  const started = performance.now(), plot = document.querySelector(`#${id} .js-plotly-plot`);
  let last = 0;
  plot.on("plotly_afterplot", () => requestAnimationFrame(() => requestAnimationFrame(() => {
    if (!last) { last = performance.now(); done(last - started); }
  })));
  window.dash_clientside.set_props(...act);
})"""


def modes(flow):
    """Modes in a flow, all different."""
    generator = np.random.default_rng(0)
    for m, n, helmholtz, mach in zip(
        generator.integers(0, 8, COUNT),
        generator.integers(0, 3, COUNT),
        generator.uniform(6, 20, COUNT),
        generator.uniform(0.1, 0.5, COUNT),
        strict=True,
    ):
        yield {"m": int(m), "n": int(n), "helmholtz": round(float(helmholtz), 3), "mach": round(float(mach), 3)}


def show(name, seconds):
    """One line of the table from pairs (wall-clock time, processor time)."""
    wall, processor = 1e3 * np.array(seconds).T
    print(f"{name:44} {np.median(wall):6.0f} {max(wall):6.0f} {np.median(processor):10.0f}", flush=True)


def of_server(made, flow):
    """Times of the callbacks, called as the browser would call them, without a browser."""
    client, took = made.test_client(), defaultdict(list)
    known = layout.DEFAULTS | {"x": 0.1, "r": 1.0}
    data = {**layout.CHOSEN, "flow": flow, "instability": False, "theme": "light"}
    asked = client.get("/_dash-dependencies").get_json()
    callbacks = [each for each in asked if each["clientside_function"] is None]
    callbacks.sort(key=lambda each: any(one["id"] == "shown" for one in each["inputs"]))
    for number, mode in enumerate(modes(flow)):
        values = known | mode | data | {"shown": number}
        for each in callbacks:
            parts = {kind: [one | {"value": values[one["id"]]} for one in each[kind]] for kind in ("inputs", "state")}
            outputs = [
                {"id": identity, "property": name.split("@")[0]}
                for identity, name in (one.rsplit(".", 1) for one in each["output"].strip(".").split("..."))
            ]
            changed = [f"{one['id']}.{one['property']}" for one in each["inputs"]]
            body = parts | {"output": each["output"], "outputs": outputs, "changedPropIds": changed}
            started = time.perf_counter(), time.process_time()
            answer = client.post("/_dash-update-component", json=body)
            ended = time.perf_counter(), time.process_time()
            took[outputs[0]["id"]].append([after - before for before, after in zip(started, ended, strict=True)])
            assert answer.status_code == 200, answer.get_data(as_text=True)
    return took


def of_browser(url, executable):
    """Times from an action to the picture."""
    from playwright.sync_api import sync_playwright

    took = defaultdict(list)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        page.goto(url)

        def processor():
            found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
            return time.process_time() + found["TaskDuration"]

        page.wait_for_selector("#relevance .heatmaplayer image", state="attached")
        page.wait_for_timeout(1000)

        def measure(name, picture, component, value):
            started = processor()
            seconds = page.evaluate(DRAWN, [picture, [component, value]]) / 1e3
            took[name].append([seconds, processor() - started])
            page.wait_for_timeout(700)  # the rest of the page

        generator = np.random.default_rng(0)
        for x, r in generator.uniform((-1.9, 0.1), (1.9, 1.9), (COUNT, 2)).round(3).tolist():
            clicked = {"clickData": {"points": [{"x": x, "y": r, "z": 0.0}]}}
            measure("click to relevance", "relevance", "field", clicked)
        for flow, pictures in PICTURES.items():
            page.get_by_role("button", name="jet" if flow == "jet" else "uniform flow", exact=True).click()
            page.wait_for_timeout(1500)
            for picture in pictures:
                for helmholtz in generator.uniform(6, 16, COUNT).round(3).tolist():
                    measure(f"{flow}: ka to {picture}", picture, "helmholtz", {"value": helmholtz})
        browser.close()
    return took


def of_jets(bench):
    """Times of a new jet's directivity: of the solver, and of the surrogate beside it."""
    model, theta, took = jets.load(), np.radians(DEGREES), defaultdict(list)
    outer = {"mach_outer": 0.0, "sound_speed_ratio": 0.8, "density_ratio": 1.5, "kutta": 1.0}
    for numbers in modes("jet"):
        mode = Mode.of(**numbers | {"n": 0, "mach": min(numbers["mach"], 0.4)}, flow="jet", **outer)
        source = mode.source
        if not model.usable(source.m, source.n, source.helmholtz, source.mach, *outer.values())[0]:
            continue

        def learned(given=(source.m, source.n, source.helmholtz, source.mach)):
            with torch.no_grad():
                model.directivity(*given, torch.from_numpy(theta), **outer)

        for name, act in (
            ("solver", lambda mode=mode: bench.solution(mode).directivity(theta)),
            ("surrogate", learned),
        ):
            started = time.perf_counter(), time.process_time()
            act()
            ended = time.perf_counter(), time.process_time()
            took[name].append([after - before for before, after in zip(started, ended, strict=True)])
    return took


def main(argv=None):
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", default=shutil.which("chromium"))
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    bench = Bench()
    bench.warm(FIRST)
    page = Page(bench)
    print(f"{'[ms]':44} median    max  processor")
    for name, seconds in of_jets(bench).items():
        show(f"directivity of a jet, {name}", seconds)
    for flow in ("none", "uniform", "jet"):
        for name, seconds in of_server(page.app.server, flow).items():
            show(f"server, {flow}: {name}", seconds)
    if options.browser is None:
        print("no browser found")
        return
    with page:
        for name, seconds in of_browser(page.url, options.browser).items():
            show(f"browser, {name}", seconds)


if __name__ == "__main__":
    main()
