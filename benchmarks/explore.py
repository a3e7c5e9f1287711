"""Response times of the page of `wavenet explore`: python benchmarks/explore.py [--browser /usr/bin/chromium].

Median and largest time of the server's parts, for modes that it has not seen before, and in a browser from a click or a
changed number to each picture on the screen. A slider sends its value 0.06 s after its last move, a number 0.35 s after
the last key; these delays are not included. The last column is the median processor time, which does not depend on
other programs: of the server, or of the server and the browser's page together, as if all ran on one core.
"""

import argparse
import shutil
import time
from collections import defaultdict

import numpy as np
import torch

from wavenet import jets
from wavenet.study.bench import Bench
from wavenet.study.controls import Mode
from wavenet.study.page import parts
from wavenet.study.page.plotting import to_json
from wavenet.study.page.server import FIRST, Page
from wavenet.study.shown import DEGREES

FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
COUNT = 15
WIDTHS = {"field": 557, "relevance": 389, "directivity": 557, "derivative": 974}  # at 1280 pixels
KINDS = {  # of cases: what is chosen, and which pictures there are
    "no flow": ({"flow": "none"}, ("field", "directivity", "relevance", "derivative")),
    "uniform flow": ({}, ("field", "directivity", "relevance", "derivative")),
    "jet": ({"flow": "jet"}, ("field", "directivity")),
    "liner": ({"flow": "none", "wall": "lined"}, ("field", "directivity")),
    "liner in flow": ({"wall": "lined"}, ("field", "directivity")),
}
# Resolves with the time to each picture: when it has been drawn and the browser has had a frame since.
DRAWN = """([ids, act]) => new Promise((done) => {
  const started = performance.now(), times = {};
  for (const id of ids) {
    const plot = document.getElementById(id), drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => {
      if (times[id]) return;
      times[id] = performance.now() - started;
      plot.removeListener("plotly_afterplot", drawn);
      if (Object.keys(times).length === ids.length) done(times);
    }));
    plot.on("plotly_afterplot", drawn);
  }
  if (act.click) document.getElementById("field").emit("plotly_click", { points: [act.click] });
  else {
    const input = document.getElementById(act.name);
    input.value = act.value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
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
    used = "" if np.isnan(processor).any() else f"{np.median(processor):10.0f}"
    print(f"{name:44} {np.median(wall):6.0f} {max(wall):6.0f} {used}", flush=True)


def of_server(bench, chosen):
    """Times of the parts, in the order in which they are sent."""
    took, view = defaultdict(list), parts.View(widths=WIDTHS)
    for mode in modes("uniform"):
        query = {name: str(value) for name, value in mode.items()} | chosen
        started = time.perf_counter(), time.process_time()
        for answer in parts.update(bench, query, view, tuple(parts.PARTS)):
            to_json(answer)
            ended = time.perf_counter(), time.process_time()
            took[answer.get("part", "message")].append([b - a for a, b in zip(started, ended, strict=True)])
            started = ended
    return took


def of_browser(url, executable):
    """Times from an action to each picture, and to all of them."""
    from playwright.sync_api import sync_playwright

    took = defaultdict(list)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS.split())
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def processor():
            found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
            return time.process_time() + found["TaskDuration"]

        def measure(name, pictures, action):
            started = processor()
            times = page.evaluate(DRAWN, [pictures, action])
            used = processor() - started
            for picture, milliseconds in times.items():
                took[f"{name} to {picture}"].append([milliseconds / 1e3, np.nan])
            took[f"{name}, all"].append([max(times.values()) / 1e3, used])
            page.wait_for_timeout(400)  # numbers that come after the last picture

        generator = np.random.default_rng(0)
        for kind, (chosen, pictures) in KINDS.items():
            page.goto("about:blank")
            page.goto(f"{url}#{'&'.join(f'{name}={value}' for name, value in chosen.items())}")
            page.wait_for_selector("#directivity .scatterlayer path", state="attached")
            page.wait_for_timeout(1500)
            for helmholtz in generator.uniform(6, 16, COUNT).round(3).tolist():
                measure(f"{kind}: ka", list(pictures), {"name": "helmholtz", "value": str(helmholtz)})
            if "relevance" in pictures:
                for x, r in generator.uniform((-1.9, 0.1), (1.9, 1.9), (COUNT, 2)).round(3).tolist():
                    measure(f"{kind}: click", ["relevance"], {"click": {"x": x, "y": r, "z": 0.0}})
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
    print(f"{'[ms]':44} median    max  processor")
    for name, seconds in of_jets(bench).items():
        show(f"directivity of a jet, {name}", seconds)
    for kind, (chosen, _) in KINDS.items():
        for name, seconds in of_server(bench, chosen).items():
            show(f"server, {kind}: {name}", seconds)
    if options.browser is None:
        print("no browser found")
        return
    with Page(bench) as page:
        for name, seconds in of_browser(page.url, options.browser).items():
            show(f"browser, {name}", seconds)


if __name__ == "__main__":
    main()
