"""The page of explore in a browser."""

import json
import re
import shutil

import pytest

from wavenet.study import bench as compute
from wavenet.study.page import layout, query, themes
from wavenet.study.page.server import FIRST, Page

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
CHROMIUM = shutil.which("chromium")
WAIT = 60_000  # for an update, in a busy machine [ms]
MAPS = ("field", "relevance", "derivative")


@pytest.fixture(scope="module")
def browser():
    """A context whose pages share what they have loaded."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium on the path")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield launched.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
        launched.close()


@pytest.fixture(scope="module")
def served():
    bench = compute.Bench()
    bench.warm(FIRST)
    with Page(bench) as page:
        yield page.url


@pytest.fixture
def opened(browser, served):
    """A function that opens the page, everything drawn; nothing may fail, or be asked of another host."""
    complaints, pages = [], []

    def request(asked):
        if not asked.url.startswith((served, "data:", "blob:")):
            complaints.append(f"asked for {asked.url}")

    def open_page(address="", *, scheme="light", size=(1280, 800), drawn=MAPS):
        page = browser.new_page()
        pages.append(page)
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.set_default_timeout(WAIT)
        page.emulate_media(color_scheme=scheme)
        page.on("request", request)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(served + address, wait_until="commit")
        for name in drawn:
            page.wait_for_selector(f"#{name} .heatmaplayer image", state="attached")
        at_rest(page)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def at_rest(page):
    """Until everything that was asked for has been shown."""
    page.wait_for_selector("#main[aria-busy=false]", state="attached")


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


def choose(page, name, value):
    page.locator(f"#{name}-{value}").click()


def test_the_page_tells_what_it_is_and_fits(opened):
    page = opened()
    assert page.title() == "wavenet explore: sound from an open duct"
    assert page.get_by_role("heading", level=1).inner_text() == "Sound from an open duct"
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.locator("#relevance").bounding_box()["y"] < 500  # next to the field, in the first view
    assert "off by" in page.locator("#directivity-note").inner_text()
    assert page.locator("#message").inner_text() == ""


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
    wait_for(page, "directivity-note", "not cut on")
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
    choose(page, "flow", "jet")
    wait_for(page, "derivative-note", "no surrogate for velocities in jets")
    wait_for(page, "directivity-note", "off by")
    wait_for(page, "reflection-note", "surrogate: |R| of ψ")
    page.fill("#mach", "0.95")
    wait_for(page, "directivity-note", "No surrogate here: mach must lie in the trained range")
    page.fill("#mach", "0.3")
    wait_for(page, "directivity-note", "off by")
    wait_for_another(page, "field", old)
    wait_for(page, "shares", "vortical")
    old = picture(page, "field")
    choose(page, "growing", "yes")
    wait_for(page, "field-note", "colours end at ±")
    wait_for_another(page, "field", old)
    page.fill("#mach", "-0.2")
    wait_for(page, "message", "A jet needs flow out of the duct")


@pytest.mark.parametrize("way", [("none", "jet"), ("jet", "none", "jet"), ("none", "uniform"), ("jet", "uniform")])
def test_the_mach_number_is_there_whatever_the_flow(opened, way):
    page = opened()
    for flow in way:
        choose(page, "flow", flow)
        at_rest(page)
        for name in ("mach", "mach-slider"):
            control = page.locator(f"#{name}")
            box = control.bounding_box()
            assert min(box["width"], box["height"]) >= 14, (flow, name)
            assert control.is_disabled() == (flow == "none")
    for name in ("m", "n", "helmholtz", "hub"):
        assert page.locator(f"#{name}").bounding_box()["height"] > 14


def test_a_decimal_comma_is_a_point_and_other_texts_are_refused(opened):
    page = opened()
    page.focus("#helmholtz")
    page.keyboard.press("Control+a")
    page.keyboard.type("6,5")
    page.wait_for_function("document.getElementById('command-line').innerText.includes('--helmholtz=6.5')")
    assert page.input_value("#helmholtz-slider") == "6.5"
    for text in ("1,234.5", "8 kHz", "1..5"):
        page.fill("#helmholtz", text)
        wait_for(page, "message", f"must be a number such as 1.5 or 1,5, got '{text}'")
        assert page.locator("#helmholtz").get_attribute("aria-invalid") == "true"
        assert page.locator("#m").get_attribute("aria-invalid") == "false"
    page.fill("#helmholtz", "7")
    page.wait_for_function("document.getElementById('message').innerText === ''")
    assert page.locator("#helmholtz").get_attribute("aria-invalid") == "false"


def test_short_waves_have_a_finer_grid_or_a_note(opened):
    page = opened("#helmholtz=60&mach=0")
    columns, rows = page.evaluate(
        "['x', 'y'].map(axis => document.getElementById('field').calcdata[0][0][axis].length)"
    )
    assert min(columns / 4, rows / 2) * 2 * 3.14159 / 60 >= 6  # points a wavelength
    wait_for(page, "derivative-note", "only 3.4 points per shortest wavelength")
    page.fill("#mach", "-0.95")
    wait_for(page, "field-note", "too short for a picture")
    wait_for(page, "reflection-tile", "of p")  # which do not need the picture


def test_the_headline_is_of_the_pressure(opened):
    page = opened("#mach=0.95", drawn=("field",))
    assert page.locator("#reflection-tile").inner_text().startswith("1.004")


def test_nothing_is_drawn_before_there_are_numbers(opened):
    """No axes from 0 to 6 of nothing: a picture is empty until its first answer, and says so."""
    page = opened(drawn=())
    page.route("**/update?*", lambda route: None)  # never answered
    page.reload()
    page.wait_for_function("window.Plotly !== undefined")
    for name in (*MAPS, "directivity"):
        assert page.locator(f"#{name} svg").count() == 0
        shown = page.evaluate(f"getComputedStyle(document.getElementById('{name}'), '::before').content")
        assert "computing" in shown
    page.unroute("**/update?*")


def test_a_liner_has_controls_and_is_shown(opened):
    page = opened()
    assert not page.locator("#resistance").is_visible()
    choose(page, "flow", "none")
    page.fill("#m", "4")
    choose(page, "wall", "lined")
    wait_for(page, "shares", "absorbed 97.34%")
    wait_for(page, "radiated", "transmission loss 19.13 dB")
    wait_for(page, "reflection-note", "at the front of the liner")
    wait_for(page, "relevance-note", "no network for velocities behind liners")
    assert not page.locator("[data-figure=relevance][data-format=CSV]").is_visible()  # there is nothing to save
    assert page.locator("[data-figure=field][data-format=CSV]").is_visible()
    wait_for(page, "directivity-note", "there is none for ducts with a liner")
    wait_for(page, "command-line", "--impedance=1.5+0.8j --liner-length=1 --liner-distance=0.5")
    old = picture(page, "field")
    choose(page, "time", "plus")
    wait_for(page, "command-line", "--engineering-impedance")
    wait_for_another(page, "field", old)
    page.fill("#reactance", "-0,8")
    wait_for(page, "shares", "absorbed 97.34%")
    page.fill("#resistance", "0")
    wait_for(page, "message", "positive real part")
    choose(page, "wall", "hard")
    wait_for(page, "reflection-note", "at the open end")


def test_answers_of_the_state_before_do_not_count(opened):
    page, held = opened(), []
    page.route("**/update?*", lambda route: route.continue_() if held else held.append(route))
    with page.expect_request("**/update?*"):
        page.fill("#m", "3")
    page.wait_for_timeout(1)  # until the route is here
    late = held[0].fetch()
    page.fill("#m", "4")
    held[0].fulfill(response=late)  # before the page asks for the new one
    wait_for(page, "command-line", "--m=4")


def test_the_fan_in_metres_hertz_and_degrees(opened):
    """The numbers of the command and of Python, see test_explore; cut off at 1200 Hz."""
    page = opened()
    for name, value in (("m", "22"), ("mach", "-0.35"), ("radius", "0.4"), ("frequency", "3600")):
        page.fill(f"#{name}", value)
    wait_for(page, "loudest", "118.5 dB")
    wait_for(page, "loudest", "at 65°, dB re 20 µPa at 1 m, incident power 1 W")
    page.wait_for_function("document.getElementById('helmholtz').value === '26.58815'")
    wait_for(page, "reflection-tile", "0.14605")
    page.fill("#frequency", "1200")
    wait_for(page, "message", "Mode (22, 0) is cut off: it propagates above ka = 22.75, 3081 Hz")
    page.fill("#helmholtz", "26.58815")
    page.wait_for_function("document.getElementById('frequency').value.startsWith('3600')")
    page.fill("#temperature", "40")
    page.wait_for_function("document.getElementById('frequency').value.startsWith('3752.')")  # ka stays: typed last
    page.fill("#radius", "")
    page.wait_for_function("document.getElementById('frequency').value === ''")
    page.fill("#frequency", "100")
    wait_for(page, "message", "needs the duct radius a in metres")


def test_a_click_and_the_keyboard_choose_a_point(opened):
    page = opened()
    old, box = picture(page, "relevance"), page.locator("#field .nsewdrag").bounding_box()
    page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.7 * box["height"])
    wait_for_another(page, "relevance", old)
    at_rest(page)
    x, r = map(float, re.search(r"at x = (\S+) a, r = (\S+) a", page.locator("#relevance-note").inner_text()).groups())
    assert (x, r) == pytest.approx((-1, 0.6), abs=0.05)
    assert float(page.input_value("#x")) == pytest.approx(x, abs=1e-3)
    marked = page.evaluate("document.getElementById('field').data[1].x[0]")
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
    page = opened("#flow=jet&wall=lined&mach=0.3", drawn=("field",))
    named = re.findall(r"- '?(textbox|slider|button|link)( \"[^\"]+\")?", page.locator("body").aria_snapshot())
    assert len(named) > 40  # a name with a colon is in quotes
    assert all(name for _, name in named), named
    page.locator(".skip").focus()
    seen = []
    while len(seen) < 90 and (not seen or seen[-1][0] != "hold"):  # the last of the controls
        seen.append(
            page.evaluate(
                "(() => { const at = document.activeElement, style = getComputedStyle(at);"
                " return [at.id || at.className, style.outlineStyle, parseFloat(style.outlineWidth),"
                " at.getBoundingClientRect().width]; })()"
            )
        )
        page.keyboard.press("Tab")
    order = [each[0] for each in seen]
    assert len(set(order)) == len(order)
    hidden = {"thickness", "thickness-slider"}  # by the choice of a liner
    assert set(query.DEFAULTS) - hidden <= set(order)
    assert {f"{name}-slider" for name in layout.SLIDERS} - hidden <= set(order)
    assert order.index("m") < order.index("m-slider") < order.index("n") < order.index("helmholtz") < order.index("x")
    assert all(kind == "solid" and width >= 2 and size > 10 for _, kind, width, size in seen[1:]), seen
    page.focus("#helmholtz-slider")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("document.getElementById('helmholtz').value === '8.1'")
    page.focus("#mach")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("document.getElementById('mach-slider').value === '0.31'")


@pytest.mark.parametrize("size", [(390, 844), (1280, 900), (1920, 1080)], ids=lambda size: str(size[0]))
@pytest.mark.parametrize(
    "address", ["", "#flow=jet&growing=yes", "#wall=lined&m=4&liner_length=2", "#wall=thick&lip=round"]
)
def test_nothing_overlaps_is_cut_or_is_stretched(opened, size, address):
    """Titles, colour bars, axes and legends of each picture, and the page as a whole."""
    page = opened(address, size=size, drawn=("field",))
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    for name in (*MAPS, "directivity"):
        graph = page.locator(f"#{name}").bounding_box()
        texts = page.evaluate(
            """name => [...document.querySelectorAll(`#${name} .annotation-text, #${name} .cbtitle text,
            #${name} .legendtext, #${name} .xtitle, #${name} .ytitle, #${name} .cbaxis text, #${name} .xtick text,
            #${name} .x2title, #${name} .x3title, #${name} .x2tick text, #${name} .x3tick text`)]
            .map(each => { const box = each.getBoundingClientRect();
            return [each.textContent, box.left, box.right, box.top, box.bottom]; })""",
            name,
        )
        assert texts
        for index, (text, left, right, top, bottom) in enumerate(texts):
            assert graph["x"] - 1 <= left, (name, text)
            assert right <= graph["x"] + graph["width"] + 1, (name, text)
            assert graph["y"] - 1 <= top, (name, text)
            assert bottom <= graph["y"] + graph["height"] + 1, (name, text)
            for other, *box in texts[index + 1 :]:
                apart = max(left, box[0]) - min(right, box[1]), max(top, box[2]) - min(bottom, box[3])
                assert max(apart) > -1, (name, text, other)
    plot = page.locator("#field .nsewdrag").bounding_box()
    along, up = (
        page.evaluate(f"(r => r[1] - r[0])(document.getElementById('field').layout.{axis}.range)")
        for axis in ("xaxis", "yaxis")
    )
    assert plot["width"] / plot["height"] == pytest.approx(along / up, rel=0.02)
    assert plot["width"] > 0.7 * page.locator("#field").bounding_box()["width"]


def test_pictures_follow_the_width_of_the_window(opened):
    page = opened()
    page.set_viewport_size({"width": 900, "height": 800})
    page.wait_for_function(
        "(e => e.layout.width === e.clientWidth && e.clientWidth > 700)(document.getElementById('field'))"
    )


def test_a_link_shows_the_same_page(opened):
    page = opened()
    page.fill("#helmholtz", "9,5")
    choose(page, "quantity", "radial_velocity")
    choose(page, "flow", "none")
    wait_for(page, "command-line", "--helmholtz=9.5")
    at_rest(page)
    address, shown = page.url, page.locator("#reflection-tile").inner_text()
    assert "helmholtz=9%2C5" in address
    other = opened(address.removeprefix(page.evaluate("location.origin + '/'")))
    assert other.locator("#reflection-tile").inner_text() == shown
    assert other.input_value("#helmholtz") == "9,5"
    assert picture(other, "field") == picture(page, "field")
    assert other.locator("#flow-none").get_attribute("aria-pressed") == "true"
    other.evaluate("location.hash = '#m=3'")
    wait_for(other, "reflection", "(3, 0)")
    other.evaluate("location.hash = '#colour=red'")
    wait_for(other, "message", "The page has no control 'colour'")


def test_a_held_case_stays_in_the_far_field(opened):
    page = opened()
    page.locator("#hold").click()
    page.fill("#helmholtz", "12")
    page.wait_for_function("document.getElementById('directivity').data.map(each => each.name).includes('held case')")
    assert "held=" in page.url
    page.locator("#hold").click()
    page.wait_for_function("!document.getElementById('directivity').data.map(each => each.name).includes('held case')")


@pytest.mark.parametrize("form", ["PNG", "SVG", "CSV", "HDF5"])
def test_every_picture_can_be_saved(opened, form):
    page = opened()
    start = {"PNG": b"\x89PNG", "SVG": b"<svg", "CSV": b"# figure", "HDF5": b"\x89HDF"}[form]
    for name in (*MAPS, "directivity"):
        with page.expect_download() as saved:
            page.locator(f"[data-figure={name}][data-format={form}]").click()
        suffix = form.lower() if form != "HDF5" else "h5"
        assert saved.value.suggested_filename == f"wavenet-{name}.{suffix}"
        content = saved.value.path().read_bytes()
        assert content.startswith(start)
        assert len(content) > 2000
    assert page.locator("#message").inner_text() == ""


def test_lines_are_copied(opened, browser):
    page = opened()
    browser.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy=python-lines]").click()
    page.wait_for_function(
        "navigator.clipboard.readText().then(text => text === document.getElementById('python-lines').textContent)"
    )


def test_the_theme_follows_the_system_or_the_button(opened):
    page = opened(scheme="dark")

    def colours():
        return page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, document.getElementById('field').layout.font.color]"
        )

    def wait(theme):
        page.wait_for_function(
            "ink => ['field', 'derivative', 'directivity', 'relevance']"
            ".every(name => document.getElementById(name).layout?.font.color === ink)",
            arg=themes.THEMES[theme].ink,
        )

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
    page.reload()
    wait("dark")  # which is remembered
    button.click()
    wait("light")
    assert json.loads(page.evaluate("JSON.stringify(localStorage.getItem('theme'))")) == ""


def test_a_wall_gets_a_thickness_and_a_lip(opened):
    page = opened()
    choose(page, "wall", "thick")
    wait_for(page, "directivity-note", "with the lip by the network")
    assert page.locator("#thick").is_visible()
    before = page.locator("#reflection-tile").inner_text()
    page.fill("#thickness", "0.2")
    page.wait_for_function("(old) => document.getElementById('reflection-tile').innerText !== old", arg=before)
    choose(page, "lip", "round")
    wait_for(page, "command-line", "--lip=round:0.2")
    assert "thin wall" in page.locator("#reflection-tile").inner_text()
    at_rest(page)
    again = opened(f"#{page.url.partition('#')[2]}", drawn=("field",))
    wait_for(again, "command-line", "--lip=round:0.2")
    assert again.locator("#reflection-tile").inner_text() == page.locator("#reflection-tile").inner_text()
    page.fill("#thickness", "0.6")
    wait_for(page, "directivity-note", "outside the training range")
    assert page.locator("#reflection-tile").inner_text() == "–"
    choose(page, "wall", "hard")
    wait_for(page, "directivity-note", "off by")
    assert page.locator("#thick").is_hidden()
