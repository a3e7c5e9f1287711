"""The page of explore: its numbers and pictures without a browser, and the page itself in one."""

import itertools
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import jnp_zeros

from analytic import ConvergenceError, axial_wavenumber, solve
from wavenet import far_field, jets
from wavenet.cli import main
from wavenet.study import bench as compute
from wavenet.study.bench import R, X
from wavenet.study.controls import Mode
from wavenet.study.kept import Kept
from wavenet.study.page import figures, layout, texts, themes
from wavenet.study.page.server import FIRST, Page

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
CHROMIUM = shutil.which("chromium")
JET = {"mach_outer": 0.0, "sound_speed_ratio": 1.0, "density_ratio": 1.0, "kutta": 1.0}
WAIT = 15_000  # for an update, in a busy machine [ms]


@pytest.fixture(scope="module")
def bench():
    made = compute.Bench()
    made.warm(FIRST)
    return made


# numbers


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"helmholtz": None}, "Helmholtz number ka is missing"),
        ({"mach": None}, "Mach number M is missing"),
        ({"helmholtz": 61}, "goes up to 60 on this page, got 61"),
        ({"helmholtz": -1}, "helmholtz=-1"),
        ({"m": 2.5}, "m=2.5"),
        ({"n": -1}, "n=-1"),
        ({"mach": 1.2}, "mach=1.2"),
        ({"flow": "swirl"}, "swirl"),
        ({"flow": "jet"} | JET | {"kutta": None}, "Kutta parameter is missing"),
        ({"flow": "jet"} | JET | {"kutta": 2}, "kutta=2"),
    ],
)
def test_controls_are_checked(values, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        Mode.of(**{"m": 2, "n": 0, "helmholtz": 5.0, "mach": 0.3} | values)


def test_without_flow_there_is_no_mach_number():
    assert Mode.of(2, 0, 5.0, None, flow="none").source.mach == 0
    assert Mode.of(2, 0, 5.0, 0.3, flow="none", kutta=None) == Mode.of(2, 0, 5.0, 0.0)


def test_parts_agree_with_each_other(bench):
    mode = Mode.of(1, 1, 9.0, -0.2)
    power, reflection, directivity = bench.power(mode), bench.reflection(mode), bench.directivity(mode)
    assert abs(power.residual) < 1e-10
    assert [row.cut_on for row in reflection.into] == [True, True, True, False]
    # What is reflected carries kappa N |R|^2; the modes' pressures carry the same power against the flow.
    for row in reflection.into[:3]:
        up, own = axial_wavenumber(9.0, 1, row.order, mach=-0.2, direction=-1), axial_wavenumber(9.0, 1, 1, mach=-0.2)
        assert row.pressure / row.potential == pytest.approx((9.0 + 0.2 * up) / (9.0 + 0.2 * own), rel=1e-9)
    assert directivity.error < 10 * directivity.bar
    assert np.sqrt(np.mean(directivity.difference**2)) == pytest.approx(directivity.error)


def test_numbers_are_those_of_the_solver(bench):
    source, theta = FIRST.source, np.radians(np.arange(181.0))
    exact = solve(source)
    found, reflection = bench.directivity(FIRST), bench.reflection(FIRST)
    np.testing.assert_array_equal(found.exact, exact.directivity(theta))
    assert [row.potential for row in reflection.into] == exact.reflection.tolist()
    assert [row.pressure for row in reflection.into] == exact.reflection_pressure.tolist()
    assert [row.order for row in reflection.into] == list(range(len(exact.reflection)))
    assert (reflection.end_correction, reflection.error_estimate) == (exact.end_correction, exact.error_estimate)
    assert bench.power(FIRST) == exact.power
    field = exact.field(X, R)
    for name in compute.QUANTITIES:
        np.testing.assert_array_equal(getattr(bench.field(FIRST), name), getattr(field, name))
    for name, velocity in (("u", field.axial_velocity), ("v", field.radial_velocity)):
        np.testing.assert_array_equal(bench.derivative(FIRST, name).exact, velocity)


def test_the_surrogate_s_error_is_quoted_with_its_bar(bench):
    found = bench.directivity(FIRST)
    model, source = far_field.load(), FIRST.source
    assert found.bar == model.error_bar(source.helmholtz, source.mach, 0.95)
    with torch.no_grad():
        theta = torch.from_numpy(np.radians(np.arange(181.0)))
        surrogate = model(source.m, source.n, source.helmholtz, source.mach, theta)[0].numpy()
    np.testing.assert_allclose(found.surrogate, surrogate, rtol=1e-12)
    off = surrogate - found.exact
    assert found.error == pytest.approx(np.sqrt(np.sum(np.abs(off) ** 2) / np.sum(np.abs(found.exact) ** 2)), rel=1e-6)
    peak = np.max(np.abs(found.exact))
    exact, other = found.levels()
    np.testing.assert_allclose(exact[1:180], 10 * np.log10(np.abs(found.exact[1:180] / peak) ** 2), atol=1e-9)
    np.testing.assert_allclose(other[1:180], 10 * np.log10(np.abs(surrogate[1:180] / peak) ** 2), atol=1e-9)
    made = figures.directivity(themes.THEMES["light"], found)
    assert [trace.name for trace in made.data] == ["Wiener–Hopf", "surrogate", None, "error bar, 95%"]
    np.testing.assert_array_equal(made.data[0].y, exact)
    assert list(made.data[3].y) == [found.bar, found.bar]


def test_the_surrogate_s_error_is_over_the_exact_directivity(monkeypatch):
    """Half of the right answer is off by half of it, not by all of itself."""
    model = far_field.load()

    class Half(torch.nn.Module):
        error_bar = staticmethod(model.error_bar)

        def forward(self, *mode):
            return model(*mode) / 2

    monkeypatch.setattr(far_field, "load", Half)
    found = compute.Bench().directivity(FIRST)
    assert found.error == pytest.approx(0.5, rel=1e-3)
    assert np.sqrt(np.mean(found.difference**2)) == pytest.approx(0.5, rel=1e-3)


def test_a_difference_of_velocities_is_over_the_root_mean_square():
    exact = np.array([[3.0 + 4.0j, 0.0], [0.0, 5.0j]])
    found = compute.Derivative(exact, exact + np.array([[0.5, 0.0], [0.25j, 0.0]]))
    np.testing.assert_allclose(found.difference(), np.array([[0.5, 0], [0.25, 0]]) / np.sqrt(50 / 4), rtol=1e-14)
    with pytest.raises(ValueError, match="no surrogate to compare with: no jets"):
        compute.Derivative(exact, reason="no jets").difference()


def shown(component):
    """The text of a Dash component."""
    if component is None or isinstance(component, str | int | float):
        return "" if component is None else str(component)
    if isinstance(component, list | tuple):
        return "".join(map(shown, component))
    return shown(getattr(component, "children", None))


def test_numbers_are_written_with_their_digits_and_signs():
    assert shown(texts.power_of_ten(1.234e-7)) == "1.2 × 10−7"
    assert texts.power_of_ten(None) == "–"
    assert texts.degrees(-1j) == "−90.0°"
    assert texts.sentence(ValueError("the  flow\nis fast")) == "The flow is fast."


def test_shares_of_the_power_are_of_the_incident_power():
    power = SimpleNamespace(incident=2.0, radiated=1.5, reflected=0.4, vortical=0.1, residual=-3e-9)
    radiated, residual, shares = texts.power(power)
    assert shown(radiated) == "75.00%of the incident power"
    assert shown(residual) == "3.0 × 10−9residual, relative"
    assert "radiated 75.00%reflected 20.00%vortical 5.00%" in shown(shares)
    still = SimpleNamespace(incident=2.0, radiated=1.5, reflected=0.5, vortical=0.0, residual=0.0)
    assert "vortical" not in shown(texts.power(still)[2])
    none = SimpleNamespace(incident=0.0, radiated=0.25, reflected=0.0, vortical=0.0, residual=0.0)
    assert shown(texts.power(none)[0]) == "0.25no power is incident"


def test_the_table_of_reflection_has_every_order(bench):
    found = bench.reflection(FIRST)
    tile, end, table = texts.reflection(FIRST, found)
    own = found.into[FIRST.source.n].potential
    assert shown(tile).startswith(f"{abs(own):.5f}of ψ, phase {np.degrees(np.angle(own)):.1f}".replace("-", "−"))
    assert shown(end) == "–plane wave only"
    text = shown(table)
    for row in found.into:
        kind = "on" if jnp_zeros(2, 9)[row.order] * np.sqrt(1 - 0.3**2) < 8.0 else "off"
        assert f"(2, {row.order})cut {kind}{abs(row.potential):.5f}" in text
        assert f"°{abs(row.pressure):.5f}" in text


def test_relevance_in_words_has_its_numbers(bench):
    found = bench.relevance(FIRST, "v", 0.1, 1.0)
    text = texts.relevance(found, "v")
    near = 100 * np.interp(0.1, compute.DISTANCES, found.within)
    assert f"|v| = {found.value:.4g} c at x = {found.at[0]:.3f} a, r = {found.at[1]:.3f} a" in text
    assert f"{near:.0f}% within 0.1 a, {100 * found.across:.0f}% across the wall" in text


def test_a_cut_off_mode_is_told_with_its_cut_on():
    kind, mode = "notice", Mode.of(3, 0, 3.5, 0.5)
    assert texts.notice(mode)[1] == kind
    assert f"propagates above ka = {4.2011889412 * np.sqrt(0.75):.4g}" in texts.notice(mode)[0]  # j'_31
    assert texts.notice(FIRST) == ("", "")


@pytest.mark.parametrize("name", ["u", "v"])
def test_surrogate_velocity(bench, name):
    found = bench.derivative(FIRST, name)
    assert found.error < 1e-5
    assert np.linalg.norm(found.surrogate - found.exact) == pytest.approx(found.error * np.linalg.norm(found.exact))
    assert (found.warnings, found.reason) == ((), "")


@pytest.mark.parametrize("name", ["u", "v"])
@pytest.mark.parametrize("at", [(0.1, 1.0), (-1.98, 0.02), (1.0, 1.9)])
def test_relevance_is_all_around_its_point(bench, name, at):
    found = bench.relevance(FIRST, name, *at)
    i, j = int(np.argmin(np.abs(X - at[0]))), int(np.argmin(np.abs(R - at[1])))
    assert found.at == (X[i], R[j])
    assert found.value == pytest.approx(abs(getattr(bench.field(FIRST), compute.VELOCITIES[name])[i, j]), rel=1e-3)
    assert found.relevance.shape == (len(found.x), len(found.r))
    assert found.relevance.sum() == pytest.approx(1)  # nothing outside of the window
    assert found.within[0] == 0
    assert np.all(np.diff(found.within) >= 0)
    assert found.within[-1] == pytest.approx(1)
    assert found.miss < 1e-6
    assert sum(found.shares.values()) == pytest.approx(1)


def test_relevance_from_across_the_wall_goes_around_the_lip(bench):
    assert bench.relevance(FIRST, "v", -0.1, 0.95).across > 0.01
    assert bench.relevance(FIRST, "v", -1.0, 0.95).across == 0


@pytest.mark.parametrize(
    ("mode", "directivity", "derivative"),
    [
        (Mode.of(3, 0, 4.0), "not cut on", ""),
        (Mode.of(0, 0, 1.0), "outside the training range", "helmholtz = 1 is outside the training range 3"),
        (Mode.of(0, 0, 2.0, 0.8, "jet", **JET), "mach must lie in the trained range|beside the", "velocities in jets"),
    ],
)
def test_where_there_is_no_surrogate_there_is_a_reason(bench, mode, directivity, derivative):
    far, near = bench.directivity(mode), bench.derivative(mode, "u")
    assert far.surrogate is None
    assert re.search(directivity, far.reason)
    assert derivative in (near.reason or "".join(near.warnings))
    if mode.jet is not None:
        with pytest.raises(ValueError, match="no network for jets"):
            bench.relevance(mode, "u", 0.1, 1.0)
    for theme in themes.THEMES.values():
        assert len(figures.directivity(theme, far).data) == 1
        figures.derivative(theme, near, "u", mode.jet is not None)


def test_the_surrogate_of_a_jet_is_shown_beside_the_solver(bench):
    """Its values, error and bar; the solver's own tolerance is 1e-4 on the page."""
    mode, model = Mode.of(1, 0, 4.0, 0.3, "jet", **JET | {"sound_speed_ratio": 0.7, "density_ratio": 2.0}), jets.load()
    found, theta = bench.directivity(mode), torch.from_numpy(np.radians(np.arange(181.0)))
    with torch.no_grad():
        expected = model.directivity(1, 0, 4.0, 0.3, theta, sound_speed_ratio=0.7, density_ratio=2.0)[0].numpy()
    np.testing.assert_allclose(found.surrogate, expected, rtol=1e-12)
    assert found.bar == model.error_bar(1, 4.0, 0.3, 0.95)
    assert found.error < 10 * found.bar
    made = figures.directivity(themes.THEMES["light"], found)
    assert [trace.name for trace in made.data] == ["Wiener–Hopf", "surrogate", None, "error bar, 95%"]


def test_points_outside_of_the_grid_are_refused(bench):
    for at, named in (((2.1, 1.0), "x must lie"), ((0.0, -0.1), "r must lie"), ((None, 1.0), "got None")):
        with pytest.raises(ValueError, match=named):
            bench.relevance(FIRST, "u", *at)


def test_a_jet_without_flow_and_a_mode_at_cut_on_are_refused_each_time(bench):
    for _ in range(2):
        with pytest.raises(ValueError, match="flow out of the duct"):
            bench.field(Mode.of(0, 0, 2.0, -0.2, "jet", **JET))
        with pytest.raises(ConvergenceError):
            bench.field(Mode.of(1, 0, 1.8411837813406595))


def test_the_last_results_are_kept_and_computed_once():
    kept, calls, started = Kept(2), itertools.count(), threading.Event()

    def slow():
        started.set()
        release.wait(10)
        return next(calls)

    release, found = threading.Event(), []
    threads = [threading.Thread(target=lambda: found.append(kept("a", slow))) for _ in range(2)]
    threads[0].start()
    started.wait(10)
    threads[1].start()
    release.set()
    for thread in threads:
        thread.join()
    assert found == [0, 0]
    kept("b", slow), kept("a", slow), kept("c", slow)
    assert kept("a", slow) == 0
    assert kept("b", slow) == 3  # the one that was not asked for


def test_threads_share_a_bench(bench):
    modes = [Mode.of(1, 0, 6.0 + 0.5 * number) for number in range(4)]
    errors: list = []

    def ask(mode):
        try:
            for name in ("u", "v"):
                bench.relevance(mode, name, 0.3, 0.8)
                assert bench.derivative(mode, name).error < 1e-5
                assert bench.directivity(mode).reason == ""
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask, args=(mode,)) for mode in modes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


# pictures


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_pictures_name_their_axes_and_units(bench, theme):
    jet = Mode.of(0, 0, 2.0, 0.3, "jet", **JET)
    made = [figures.field(theme, bench.field(FIRST).pressure, "pressure", False, (0.1, 1.0))]
    made += [figures.field(theme, bench.field(jet).axial_velocity, "axial_velocity", True, (0.1, 1.0))]
    made += [figures.relevance(theme, bench.relevance(FIRST, "u", 0.1, 1.0), "u")]
    made += [figures.directivity(theme, bench.directivity(FIRST))]
    made += [figures.derivative(theme, bench.derivative(FIRST, "v"), "v", False)]
    texts = [figure.to_json() for figure in made]
    for text, named in zip(
        texts,
        (["x / a", "r / a", "Re p [ρc²]"], ["Re u [c]"], ["[%]", "distance / a"], ["[deg]", "[dB re peak]"], ["[c]"]),
        strict=True,
    ):
        for name in named:
            assert name in text.encode().decode("unicode_escape") or name in text
    assert len(made[1].layout.shapes) == 2  # the wall and the sheet
    assert made[0].data[0].z.shape == (len(R), len(X))


def _luminance(colour):
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


@pytest.mark.parametrize(("theme", "panel"), [("light", "#ffffff"), ("dark", "#131b21")])
def test_colours_have_contrast(theme, panel):
    chosen, ground = themes.THEMES[theme], _luminance(panel)

    def contrast(colour):
        low, high = sorted((_luminance(colour), ground))
        return (high + 0.05) / (low + 0.05)

    assert min(contrast(colour) for colour in (chosen.ink, chosen.muted)) > 4.5
    assert min(contrast(colour) for colour in (chosen.exact, chosen.surrogate, chosen.wall)) > 3
    for colours, falls in ((chosen.signed, 4), (chosen.growing, 6)):  # from the middle, or the start, on one way
        steps = np.diff([_luminance(colour) for colour in colours[-falls - 1 :]])
        assert np.all(steps < 0) or np.all(steps > 0)


# the command


def test_without_dash_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "wavenet.study.page.server", raising=False)
    monkeypatch.setitem(sys.modules, "dash", None)
    with pytest.raises(SystemExit) as stop:
        main(["explore", "--no-browser"])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "pip install 'wavenet[explore]'" in error


def test_a_taken_port_and_a_wrong_one_are_one_clear_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for port, named in ((taken.getsockname()[1], "in use"), (70000, "0 ... 65535")):
            with pytest.raises(SystemExit) as stop:
                main(["explore", "--no-browser", "--port", str(port)])
            error = capsys.readouterr().err
            assert (stop.value.code, error.count("\n")) == (2, 1)
            assert named in error


def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-c", "import sys; from wavenet.cli import main; main(sys.argv[1:])", "explore"]
    with subprocess.Popen(
        [*command, "--port", "0", "--no-browser"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            url = re.match(r"http://127\.0\.0\.1:\d+/", line).group()
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert "sound from an open duct" in answer.read().decode()
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()


# the page


@pytest.fixture(scope="module")
def browser():
    """A context whose pages share what they have loaded."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield launched.new_context(viewport={"width": 1280, "height": 800})
        launched.close()


@pytest.fixture(scope="module")
def served(bench):
    with Page(bench) as page:
        yield page.url


@pytest.fixture
def opened(browser, served):
    """A function that opens the page, everything drawn; nothing may fail, or be asked of another host."""
    complaints, pages = [], []

    def request(asked):
        if not asked.url.startswith((served, "data:", "blob:")):
            complaints.append(f"asked for {asked.url}")

    def open_page(scheme="light"):
        page = browser.new_page()
        pages.append(page)
        page.set_default_timeout(WAIT)
        page.emulate_media(color_scheme=scheme)
        page.on("request", request)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served)
        for name in ("field", "relevance", "derivative"):
            page.wait_for_selector(f"#{name} .heatmaplayer image", state="attached")
        page.wait_for_selector("#directivity .scatterlayer path", state="attached")
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def picture(page, name):
    """Image of a map, as a data URL."""
    return page.locator(f"#{name} .heatmaplayer image").first.get_attribute("href")


def wait_for(page, name, text):
    """Until an element says something."""
    page.wait_for_function("([id, text]) => document.getElementById(id).innerText.includes(text)", arg=[name, text])


def wait_for_another(page, name, old):
    """Until a map shows something else."""
    page.wait_for_function(
        "([id, old]) => { const image = document.querySelector(`#${id} .heatmaplayer image`);"
        " return image && image.getAttribute('href') !== old; }",
        arg=[name, old],
    )


def test_the_page_tells_what_it_is_and_fits(opened):
    page = opened()
    assert page.title() == "wavenet explore: sound from an open duct"
    assert page.get_by_role("heading", level=1).inner_text() == "Sound from an open duct"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280
    assert page.locator("#relevance").bounding_box()["y"] < 500  # next to the field, in the first view
    assert "off by" in page.locator("#directivity-note").inner_text()


def test_a_mode_and_a_helmholtz_number_change_the_pictures(opened):
    page = opened()
    for name, value, said in (("m", "1", "(1, 0)"), ("helmholtz", "12.5", "(1, 3)")):
        old = [picture(page, graph) for graph in ("field", "derivative")]
        page.fill(f"#{name}", value)
        wait_for(page, "reflection", said)
        for graph, before in zip(("field", "derivative"), old, strict=True):
            wait_for_another(page, graph, before)
        assert page.input_value(f"#{name}-slider") == value
    old = picture(page, "field")
    page.get_by_role("button", name="Re v").click()
    wait_for_another(page, "field", old)
    assert page.get_by_role("button", name="Re v").get_attribute("aria-pressed") == "true"


def test_a_mode_that_is_cut_off_and_bad_numbers_have_a_message(opened):
    page = opened()
    page.fill("#m", "9")
    wait_for(page, "message", "Mode (9, 0) is cut off: it propagates above ka = 10.22")
    wait_for(page, "directivity-note", "is not cut on")
    page.fill("#helmholtz", "")
    wait_for(page, "message", "Helmholtz number ka is missing")
    wait_for(page, "field", "no field")
    page.fill("#helmholtz", "100")
    wait_for(page, "message", "goes up to 60")
    page.fill("#helmholtz", "2")
    page.fill("#m", "0")
    wait_for(page, "directivity-note", "outside the training range")
    wait_for(page, "derivative-note", "helmholtz = 2 is outside the training range 3")
    assert page.locator("#message").inner_text() == ""


def test_a_jet_has_controls_of_its_own(opened):
    page = opened()
    assert not page.locator("#kutta").is_visible()
    old = picture(page, "field")
    page.fill("#m", "0")
    page.get_by_role("button", name="jet", exact=True).click()
    wait_for(page, "derivative-note", "no surrogate for velocities in jets")
    wait_for(page, "directivity-note", "off by")
    page.fill("#mach", "0.8")
    wait_for(page, "directivity-note", "No surrogate here")
    page.fill("#mach", "0.3")
    wait_for(page, "directivity-note", "off by")
    wait_for_another(page, "field", old)
    wait_for(page, "shares", "vortical")
    old = picture(page, "field")
    page.get_by_role("button", name="Growing wave in the field").click()
    wait_for_another(page, "field", old)
    page.fill("#mach", "-0.2")
    wait_for(page, "message", "A jet needs flow out of the duct")
    page.get_by_role("button", name="no flow").click()
    wait_for(page, "derivative-note", "off by")
    assert page.locator("#mach").is_disabled()


def test_a_click_and_the_keyboard_choose_a_point(opened):
    page = opened()
    old, box = picture(page, "relevance"), page.locator("#field .nsewdrag").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.7 * box["height"])
    wait_for_another(page, "relevance", old)
    x, r = map(float, re.search(r"at x = (\S+) a, r = (\S+) a", page.locator("#relevance-note").inner_text()).groups())
    assert (x, r) == pytest.approx((-1, 0.6), abs=0.05)
    assert float(page.input_value("#x")) == pytest.approx(x, abs=1e-3)
    marked = page.evaluate("document.querySelector('#field .js-plotly-plot').data[1].x[0]")
    assert marked == pytest.approx(float(page.input_value("#x")))
    page.focus("#x")
    page.keyboard.press("Control+a")
    page.keyboard.type("0.48")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "r"
    page.keyboard.press("Control+a")
    page.keyboard.type("1.45\n")
    wait_for(page, "relevance-note", "x = 0.484 a, r = 1.453 a")
    page.get_by_role("button", name="v", exact=True).press("Enter")
    wait_for(page, "relevance-note", "|v| =")
    page.fill("#r", "2.5")
    wait_for(page, "relevance-note", "The point's r must lie in 0 ... 2, got 2.5")


def test_the_keyboard_reaches_every_control_and_each_has_a_name(opened):
    page = opened()
    page.get_by_role("button", name="jet", exact=True).click()
    wait_for(page, "derivative-note", "no surrogate for velocities in jets")
    named = re.findall(r"- '?(spinbutton|slider|button|link)( \"[^\"]+\")?", page.locator("body").aria_snapshot())
    assert len(named) > 25  # a name with a colon is in quotes
    assert all(name for _, name in named), named
    assert {role for role, _ in named} == {"spinbutton", "slider", "button", "link"}
    page.locator(".skip").focus()
    seen = []
    while len(seen) < 60 and (not seen or seen[-1][0] != "r"):  # the last of the controls
        seen.append(
            page.evaluate(
                "(() => { const at = document.activeElement, style = getComputedStyle(at);"
                " return [at.id || at.className, style.outlineStyle, parseFloat(style.outlineWidth)]; })()"
            )
        )
        page.keyboard.press("Tab")
    order = [name for name, _, _ in seen]
    assert len(set(order)) == len(order) == len(named)
    wanted = [name for name in (*layout.DEFAULTS, *layout.POINT) if name in order]
    assert set(wanted) == {*layout.DEFAULTS, *layout.POINT}
    assert order.index("m") < order.index("m-slider") < order.index("n") < order.index("helmholtz") < order.index("x")
    assert all(kind == "solid" and width >= 2 for _, kind, width in seen[1:]), seen
    page.focus("#helmholtz-slider")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.getElementById('helmholtz').value === '8.1'")


def test_the_theme_follows_the_system_or_the_button(opened):
    page = opened("dark")

    def colours():
        plot = "document.querySelector('#field .js-plotly-plot').layout.font.color"
        return page.evaluate(f"[getComputedStyle(document.body).backgroundColor, {plot}]")

    def wait(theme):
        page.wait_for_function(
            "ink => document.querySelector('#field .js-plotly-plot').layout.font.color === ink",
            arg=themes.THEMES[theme].ink,
        )
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)

    wait("dark")
    dark = colours()
    page.emulate_media(color_scheme="light")
    wait("light")
    assert colours()[0] != dark[0]
    button = page.locator("#theme-button")
    button.click()
    page.wait_for_function("document.querySelector('#theme-button').innerText === 'Theme: light'")
    button.click()
    wait("dark")
    assert colours() == dark
    button.click()
    wait("light")
