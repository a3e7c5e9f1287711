"""Pictures: every colour bar has a unit, no two labels overlap, none is cut, and walls lie where the duct's do."""

import itertools

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

import analytic
from wavenet.forward.feed_forward import FEATURES as PLAIN
from wavenet.forward.radiated import FEATURES as RADIATED
from wavenet.study import pictures, plots, solution
from wavenet.study.relevance import OutputRelevance, PressureRelevance

from .studies import pressures

X, R = (np.arange(32) + 0.5) / 8 - 2, (np.arange(16) + 0.5) / 8
TITLE = "mode (12, 3), ka = 11.905, M = -0.30"
ANGLES = np.linspace(0, 180, 37)
METHODS = ("constrained_unet", "interpolated training cases")


def velocities():
    random = np.random.default_rng(0)
    exact = random.normal(size=(4, len(X), len(R))) * np.array([3e-4, 3e-4, 500.0, 500.0])[:, None, None]
    return pictures.derivative_case(X, R, exact * (1 + 1e-7 * random.normal(size=exact.shape)), exact, TITLE)


def line_plots():
    exact = np.stack([np.cos(ANGLES / 20), np.sin(ANGLES / 20)], axis=-1) * 3e-4
    return pictures.forward_case(ANGLES, 1.01 * exact, exact, TITLE)


def scatter():
    random = np.random.default_rng(0)
    against = {"Helmholtz number ka": random.uniform(3, 8, 50), "azimuthal order m": random.integers(0, 3, 50)}
    return pictures.errors(against, {name: 10 ** random.normal(-3, 2, 50) for name in METHODS}, "u")


def relevance():
    values = np.exp(-((X[:, None] - 0.1) ** 2 + (R - 1) ** 2) / 0.01) * 1e-7
    title = "relevance of the potential for |u| at x = -0.109, r = 1.016"
    return pictures.relevance_map(X, R, values, (0.1, 1.0), title, ("share of |u|", "%"))


def bars():
    names = [*(f"cos 2 pi nu {index}" for index in range(12)), "radial eigenvalue"]
    title = "relevance of the inputs for |p| at x = -12.19, r = 15.74"
    return pictures.relevance_bars(names, np.linspace(-0.001, 0.02, 13), title, "share of |p| [%]")


MODES = {
    "plain": (analytic.DuctMode(2, 0, 5.0),),
    "hub": (analytic.DuctMode(2, 0, 5.0, hub=0.4, mach=0.3),),
    "cut off": (analytic.DuctMode(22, 0, 8.8, -0.35),),
    "jet": (analytic.DuctMode(0, 0, 2.0, 0.3), analytic.Jet()),
    "liner": (analytic.DuctMode(0, 0, 2.0, 0.3), None, None, (analytic.Liner(1 - 1j, 4.0, 0.5),)),
    "liners": (
        analytic.DuctMode(0, 0, 2.0),
        None,
        None,
        (analytic.Liner(1 + 1j, 0.6, 0.3), analytic.Liner(2, 1.0, 0.2)),
    ),
}


@pytest.fixture(scope="module")
def solved(tmp_path_factory):
    """The picture of each mode, as it is written to a file."""
    found, folder = {}, tmp_path_factory.mktemp("pictures")
    for name, (source, *rest) in MODES.items():
        one = solution.mode(source, ANGLES, *rest)
        found[name] = drawn(lambda path, one=one: pictures.solution(one, folder / path))
    return found


def drawn(draw):
    """The figure that a function writes to a file."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda figure, path, **_: found.append(figure))
        draw("any.png")
    return found[0]


def card():
    return drawn(lambda path: pictures.dataset(pressures([(m, 0, 5.0 + m, 0.2) for m in (0, 0, 0, 1, 2, 2)], 4), path))


def multimode():
    reference = "dB re a monopole of the radiated power"
    level = np.linspace(5, -70, 37)
    return drawn(lambda path: plots.levels(ANGLES, {"": level}, reference, "111 modes, equal-energy-density", path))


def near_field():
    field = analytic.solve(analytic.DuctMode(2, 0, 5.0)).field(X, R)
    return drawn(lambda path: plots.near_field(field, "mode (2, 0), ka = 5, M = 0", path))


@pytest.fixture(params=[velocities, line_plots, scatter, relevance, bars, card, multimode, near_field, *MODES])
def figure(request):
    if callable(request.param):
        return request.param()
    return request.getfixturevalue("solved")[request.param]


def texts(figure):
    """What is written in a figure, with its boxes in pixels; labels of ticks only where those are drawn."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    hidden = set()
    for axes in figure.axes:
        for axis, side in ((axes.xaxis, "x"), (axes.yaxis, "y")):
            scale = axis.get_transform().transform
            low, high = np.sort(scale(np.array(getattr(axes, f"get_{side}lim")())))
            slack = 1e-9 * (high - low)
            ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            places = [scale(np.array([tick.get_loc()]))[0] for tick in ticks]
            out = [tick for tick, at in zip(ticks, places, strict=True) if not low - slack <= at <= high + slack]
            hidden |= {id(label) for tick in out for label in (tick.label1, tick.label2)}
    found = figure.findobj(
        lambda artist: isinstance(artist, Text) and artist.get_visible() and id(artist) not in hidden
    )
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in found]
    return [(text, box) for text, box in boxes if text.strip() and box.width > 0]


def test_no_labels_overlap(figure):
    for (one, first), (other, second) in itertools.combinations(texts(figure), 2):
        apart = first.x1 <= second.x0 or second.x1 <= first.x0 or first.y1 <= second.y0 or second.y1 <= first.y0
        assert apart, f"{one!r} and {other!r}"


def test_no_label_is_cut(figure):
    for text, box in texts(figure):
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y1 <= figure.bbox.height, text


def bars_of(figure):
    return [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]


def test_every_colour_bar_has_its_quantity_and_unit(figure):
    maps = [axes for axes in figure.axes if axes.collections and axes.get_xlabel() == "x / a"]
    assert len(bars_of(figure)) == len(maps)
    for axes in bars_of(figure):
        quantity, _, unit = axes.get_ylabel().partition(" [")
        assert quantity
        assert unit.rstrip("]").split()[-1] in {"c", "c²", "%"}, axes.get_ylabel()
        assert not axes.yaxis.get_offset_text().get_text()


def test_every_axis_has_a_label(figure):
    for axes in figure.axes:
        if axes not in bars_of(figure):
            assert axes.get_xlabel()
            assert axes.get_ylabel() or axes.get_yticklabels()[0].get_text()


def test_a_colour_bar_s_power_of_ten_is_that_of_the_values():
    figure = velocities()
    network, exact, difference, *_ = bars_of(figure)
    assert [axes.get_ylabel() for axes in (network, difference)] == ["Re u [10⁻⁴ c]", "Δ Re u [10⁻¹⁰ c]"]
    assert network.get_ylim() == exact.get_ylim()
    assert 5 < network.get_ylim()[1] < 10  # 99.5 % of normal numbers are below 2.8 times 3e-4
    assert bars_of(figure)[3].get_ylabel() == "Re v [10³ c]"


def test_colours_that_end_below_the_field_have_arrows(solved):
    figure = Figure()
    axes = figure.subplots(1, 2)
    values = np.linspace(-1, 1, 32 * 16).reshape(32, 16)
    for place, limit in zip(axes, (0.5, None), strict=True):
        pictures._map(place, X, R, values, "title", ("p", "c"), limit=limit)
    cut, whole = (axes.collections for axes in figure.axes[:2])
    assert cut[0].colorbar.extend == "both"
    assert whole[0].colorbar.extend == "neither"
    assert "up to" in solved["cut off"].axes[1].get_title()


@pytest.mark.parametrize("at", [0.2, 1.9])
def test_a_wall_outside_of_a_map_does_not_widen_it(at):
    values = np.ones((len(X), len(R)))
    figure = pictures.relevance_map(X, R, values, (-1.0, at), "title", ("share", "%"))
    low, high = figure.axes[1].get_ylim()
    assert low >= max(at - 0.6, 0)
    assert high <= min(at + 0.6, 2.0)


def test_columns_that_a_grid_lacks_stay_empty():
    kept = np.abs(X + 0.5) > 0.2
    axes = Figure().subplots()
    pictures._map(axes, X[kept], R, np.ones((np.sum(kept), len(R))), "title", ("p", "c"))
    drawn = axes.collections[0].get_array()
    assert drawn.shape == (len(R), len(X))
    assert np.all(np.ma.getmaskarray(drawn)[0] == ~kept)


def test_waves_too_short_for_a_picture_are_refused_and_liners_and_hubs_drawn(solved, tmp_path):
    with pytest.raises(ValueError, match="too short for a picture"):
        pictures.solution(solution.mode(analytic.DuctMode(0, 0, 60.0, 0.95), ANGLES), tmp_path / "a.png")
    front, back = solved["liner"].axes[1].lines[1].get_xdata()
    assert (front, back) == (-4.5, -0.5)
    assert [tuple(line.get_xdata()) for line in solved["liners"].axes[1].lines[1:3]] == [(-1.2, -0.2), (-2.1, -1.5)]
    assert [text.get_text() for text in solved["hub"].axes[1].get_legend().get_texts()] == ["hub"]
    assert solved["hub"].axes[1].get_ylim() == (0, 2)
    assert solved["jet"].axes[1].get_title() == "near field, without the growing wave"


def test_bars_of_relevance_name_their_inputs_in_words():
    found = PressureRelevance(
        "p", "|p|", 0.5, 0.5, 0.0, 0.0, [], dict.fromkeys([*RADIATED, *PLAIN], 0.1), "x = 1, r = 2"
    )
    axes = found.figure().axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert not {"K", "cos 2 pi nu", "cut-on ratio", "hub"} & set(names)
    assert {"K = ka / √(1 − M²)", "radial eigenvalue α"} <= set(names)
    np.testing.assert_allclose([bar.get_width() for bar in axes.patches], 20, rtol=1e-14)


def test_a_difference_at_one_point_leaves_the_others_their_colours():
    exact = np.ones((4, len(X), len(R)))
    predicted = exact + 1e-6 * np.sin(3 * X)[:, None]
    predicted[:, 15, 8] += 1.0
    figure = pictures.derivative_case(X, R, predicted, exact, TITLE)
    assert bars_of(figure)[2].get_ylabel() == "Δ Re u [10⁻⁷ c]"


def test_the_picture_of_a_dataset_has_whole_orders_and_a_readable_axis_for_one_mach_number():
    left, right = card().axes
    low, high = left.get_ylim()
    assert (low, high) == pytest.approx((-0.8, 1.2))
    assert all(place == int(place) for place in right.get_xticks())
    assert left.get_legend() is None
    assert right.get_legend() is None  # above both, where it hides no bar


def test_shares_of_relevance_add_up_to_all_of_the_output():
    found = OutputRelevance("u", "|u|", 0.25, 0.25, 0.0, 0.0, [])
    np.testing.assert_allclose(found.percent(np.array([0.1, 0.2, -0.05])), [40, 80, -20], rtol=1e-14)
    silent = OutputRelevance("u", "|u|", 0.0, 0.0, 0.0, 0.0, [])
    assert silent.percent(np.array([0.0])).tolist() == [0.0]
