"""The page of explore: its numbers, pictures and files without a browser."""

import csv
import io
import itertools
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from html import unescape

import h5py
import numpy as np
import plotly.graph_objects as go
import pytest
import torch
from scipy.special import jnp_zeros

import analytic
from analytic import ConvergenceError, DuctMode, Liner, axial_wavenumber, solve, stretched_angle
from wavenet import derivatives, far_field, jets
from wavenet.cli import main
from wavenet.derivatives import constrained
from wavenet.fields import parameters
from wavenet.study import bench as compute
from wavenet.study.bench import R, X
from wavenet.study.controls import Mode
from wavenet.study.kept import Kept
from wavenet.study.page import curves, exports, lines, maps, parts, plotting, query, texts, themes
from wavenet.study.page.server import FIRST, Page
from wavenet.study.picture_grid import colour_limit, picture_grid
from wavenet.study.shown import DEGREES, Balance, Derivative

JET = {"mach_outer": 0.0, "sound_speed_ratio": 1.0, "density_ratio": 1.0, "kutta": 1.0}
LINER = {"resistance": 1.5, "reactance": 0.8, "liner_length": 1.0, "liner_distance": 0.5, "surface_wave": "stable"}
LIGHT = themes.THEMES["light"]


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
        ({"hub": None}, "hub radius h is missing"),
        ({"hub": 1.0}, "hub"),
        ({"liner": LINER | {"resistance": None}}, "resistance Re Z is missing"),
        ({"liner": LINER | {"resistance": -1.0}}, "positive real part"),
        ({"liner": LINER | {"liner_length": 9.0}}, "liner's length goes up to 8"),
        ({"duct": {"radius": 0.4, "temperature": None}}, "temperature T is missing"),
        ({"duct": {"radius": -0.4, "temperature": 15.0}}, "radius"),
        ({"duct": {"radius": 0.4, "temperature": 15.0, "frequency": 9000.0}}, "goes up to 60 on this page, got 66.47"),
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
    source = FIRST.source
    exact = solve(source)
    found, reflection = bench.directivity(FIRST), bench.reflection(FIRST)
    np.testing.assert_allclose(found.exact.level, exact.relative_level(np.radians(DEGREES)), atol=1e-9)
    theta = stretched_angle(np.radians(DEGREES), source.mach)
    np.testing.assert_allclose(found.exact.amplitude, exact.directivity(theta), rtol=1e-9, atol=1e-15)
    assert found.peak == (np.max(found.exact.level), DEGREES[np.argmax(found.exact.level)])
    assert [row.potential for row in reflection.into] == exact.reflection.tolist()
    assert [row.pressure for row in reflection.into] == exact.reflection_pressure.tolist()
    assert [row.order for row in reflection.into] == list(range(len(exact.reflection)))
    assert (reflection.end_correction, reflection.error_estimate) == (exact.end_correction, exact.error_estimate)
    balance, power = bench.power(FIRST), exact.power
    names = ("incident", "radiated", "reflected", "vortical", "residual")
    assert [getattr(balance, name) for name in names] == [getattr(power, name) for name in names]
    assert balance.loss == pytest.approx(exact.transmission_loss, rel=1e-12)
    assert (balance.absorbed, balance.missing) == (0, "")
    field = exact.field(X, R)
    for name in compute.QUANTITIES:
        np.testing.assert_array_equal(getattr(bench.near_field(FIRST).field, name), getattr(field, name))
    for name, velocity in (("u", field.axial_velocity), ("v", field.radial_velocity)):
        np.testing.assert_array_equal(bench.derivative(FIRST, name).exact, velocity)


def test_a_duct_in_metres_has_levels_in_pascals_as_the_command_has(bench):
    """The fan of the README: 3600 Hz, and cut off at 1200 Hz."""
    duct = {"radius": 0.4, "temperature": 15.0}
    mode = Mode.of(22, 0, None, -0.35, duct=duct | {"frequency": 3600.0})
    source = DuctMode.physical(22, 0, frequency=3600.0, radius=0.4, temperature=288.15, mach=-0.35)
    assert mode.source == source
    expected = solve(source).sound_pressure_level(np.radians(DEGREES))
    np.testing.assert_allclose(bench.directivity(mode).exact.level, expected, atol=1e-9)
    assert "20 uPa at 1 m, incident power 1 W" in bench.directivity(mode).exact.reference
    low = Mode.of(22, 0, None, -0.35, duct=duct | {"frequency": 1200.0})
    assert "propagates above ka = 22.75, 3081 Hz" in texts.notice(low)
    # The other way: the same duct by its Helmholtz number, with a hub in radii.
    again = Mode.of(22, 0, source.helmholtz, -0.35, hub=0.25, duct=duct | {"frequency": None})
    assert (again.source.helmholtz, again.source.duct.hub_radius) == (source.helmholtz, 0.1)


def test_a_liner_is_that_of_the_solver(bench):
    mode = Mode.of(4, 0, 8.0, flow="none", liner=LINER)
    exact = solve(DuctMode(4, 0, 8.0), liner=Liner(1.5 + 0.8j, length=1.0, distance=0.5))
    found, balance = bench.reflection(mode), bench.power(mode)
    assert [row.potential for row in found.into] == exact.reflection.tolist()
    assert found.end_correction is None
    assert balance.absorbed / balance.incident == pytest.approx(exact.absorbed, rel=1e-12)
    assert balance.loss == pytest.approx(exact.transmission_loss, rel=1e-12)
    near, far = bench.near_field(mode), bench.directivity(mode)
    column = int(np.argmin(np.abs(near.x + 1.0)))  # within the liner
    np.testing.assert_allclose(
        near.field.pressure[column], exact.at(near.x[column], near.r).pressure, rtol=1e-6, atol=1e-8
    )
    np.testing.assert_allclose(far.exact.level, exact.relative_level(np.radians(DEGREES)), atol=1e-9)
    assert far.reason == "No surrogate here: there is none for ducts with a liner."
    # 0.03 radii around both ends of the liner; those of the lip are there.
    assert near.left_out == 4
    assert np.min(np.abs(near.x[:, None] - [-0.5, -1.5])) > 0.03 > np.min(np.abs(near.x))
    assert "4 columns at the liner" in texts.field(mode, near, 1.0, None, False)
    assert "absorbed 97.34%" in texts.power(balance)["shares"]
    assert shown(texts.power(balance)["radiated"]) == "1.22%of the incident power; transmission loss 19.13 dB"
    assert texts.reflection(mode, found)["reflection-note"] == "at the front of the liner"


def test_an_instability_over_a_liner_has_no_power_and_says_so(bench):
    mode = Mode.of(1, 0, 4.0, 0.5, liner=LINER | {"surface_wave": "unstable", "liner_length": 0.5})
    balance = bench.power(mode)
    assert (balance.radiated, balance.incident) == (0, 0)
    assert "the power of an instability is not implemented" in balance.missing
    assert "The power of an instability" in texts.power(balance)["shares"]
    assert mode.grows
    # Without flow, or with Im Z <= 0, the choice does not matter.
    still = Mode.of(4, 0, 8.0, flow="none", liner=LINER | {"surface_wave": "unstable"})
    mass = Mode.of(4, 0, 8.0, 0.3, liner=LINER | {"surface_wave": "unstable", "reactance": -0.8})
    assert [one.liners[0].surface_wave for one in (mode, still, mass)] == ["unstable", None, None]


def test_long_liners_and_those_from_infinity_are_in_the_picture(bench):
    long = Mode.of(2, 0, 6.0, flow="none", liner=LINER | {"liner_length": 3.0})
    assert bench.near_field(long).x[0] == pytest.approx(-4.0, abs=1 / 64 + 1e-12)
    endless = Mode.of(2, 0, 6.0, flow="none", liner=LINER | {"liner_length": np.inf})
    assert bench.near_field(endless).x[0] == pytest.approx(-2.0, abs=1 / 64 + 1e-12)
    assert bench.power(endless).missing
    assert endless.front == -0.5


def test_a_hub_is_left_out_of_the_field_and_of_the_surrogates(bench):
    mode = Mode.of(2, 0, 8.0, 0.3, hub=0.4)
    near = bench.near_field(mode)
    assert near.r[0] > 0.4
    exact = solve(DuctMode(2, 0, 8.0, 0.3, 0.4))
    np.testing.assert_array_equal(near.field.pressure, exact.field(near.x, near.r).pressure)
    cut_on = [analytic.cut_on_helmholtz(2, order, 0.3, hub=0.4) < 8.0 for order in range(3)]
    assert [row.cut_on for row in bench.reflection(mode).into] == cut_on
    assert "hub=0.4" in bench.directivity(mode).reason
    with pytest.raises(ValueError, match="no surrogate for velocities in an annulus"):
        bench.derivative(mode, "u")
    rectangle = maps.field(LIGHT, 600, near, "pressure", mode, (None, None))["layout"]["shapes"][-1]
    assert (rectangle["type"], rectangle["y0"], rectangle["y1"]) == ("rect", 0, 0.4)


def test_the_surrogate_s_error_is_quoted_with_its_bar(bench):
    found = bench.directivity(FIRST)
    model, source = far_field.load(), FIRST.source
    assert found.bar == model.error_bar(source.helmholtz, source.mach, 0.95)
    with torch.no_grad():
        theta = torch.from_numpy(stretched_angle(np.radians(DEGREES), source.mach))
        surrogate = model(source.m, source.n, source.helmholtz, source.mach, theta)[0].numpy()
    np.testing.assert_allclose(found.surrogate.amplitude, surrogate, rtol=1e-12)
    exact, off = found.exact.amplitude, surrogate - found.exact.amplitude
    assert found.error == pytest.approx(np.sqrt(np.sum(np.abs(off) ** 2) / np.sum(np.abs(exact) ** 2)), rel=1e-6)
    levels = found.surrogate.level[1:180] - found.exact.level[1:180]
    np.testing.assert_allclose(levels, 20 * np.log10(np.abs(surrogate[1:180] / exact[1:180])), atol=1e-9)
    made = curves.directivity(LIGHT, 600, found)
    assert [trace.get("name") for trace in made["data"]] == ["Wiener–Hopf", "surrogate", None, "error bar, 95%"]
    np.testing.assert_array_equal(made["data"][0]["y"][1:180], found.exact.level[1:180])
    assert made["data"][3]["y"] == [found.bar, found.bar]


def test_the_surrogate_s_error_is_over_the_exact_directivity(monkeypatch):
    """Half of the right answer is off by half of it, not by all of itself."""
    model = far_field.load()

    class Half(torch.nn.Module):
        error_bar, config, extrapolate = staticmethod(model.error_bar), model.config, False

        def forward(self, *mode):
            return model(*mode) / 2

    monkeypatch.setattr(far_field, "load", Half)
    found = compute.Bench().directivity(FIRST)
    assert found.error == pytest.approx(0.5, rel=1e-3)
    assert np.sqrt(np.mean(found.difference**2)) == pytest.approx(0.5, rel=1e-3)


def test_a_difference_of_velocities_is_over_the_root_mean_square():
    exact = np.array([[3.0 + 4.0j, 0.0], [0.0, 5.0j]])
    found = Derivative(exact, exact + np.array([[0.5, 0.0], [0.25j, 0.0]]))
    np.testing.assert_allclose(found.difference(), np.array([[0.5, 0], [0.25, 0]]) / np.sqrt(50 / 4), rtol=1e-14)
    with pytest.raises(ValueError, match="no surrogate to compare with: no jets"):
        Derivative(exact, reason="no jets").difference()


def shown(html):
    """The text of HTML."""
    return unescape(re.sub("<[^>]*>", "", html))


def test_numbers_are_written_with_their_digits_and_signs():
    assert shown(texts.power_of_ten(1.234e-7)) == "1.2 × 10−7"
    assert texts.power_of_ten(None) == "–"
    assert texts.degrees(-1j) == "−90.0°"
    assert texts.sentence(ValueError("the  flow\nis <fast>")) == "The flow is &lt;fast&gt;."
    assert (texts.decibels(-3.25), texts.decibels(-np.inf)) == ("−3.2 dB", "–")
    assert [texts.modulus(value) for value in (3 + 4j, 0, 1e-5, 4e18)] == [
        *("5.00000", "0.00000", "1.0000e-05", "4.0000e+18"),
    ]


def test_shares_of_the_power_are_of_the_incident_power():
    balance = Balance(incident=2.0, radiated=1.5, reflected=0.4, vortical=0.1, residual=-3e-9, loss=1.25)
    html = texts.power(balance)
    assert shown(html["radiated"]) == "75.00%of the incident power; transmission loss 1.25 dB"
    assert shown(html["residual"]) == "3.0 × 10−9residual, relative"
    assert "radiated 75.00% reflected 20.00% vortical 5.00%" in shown(html["shares"])
    still = texts.power(Balance(incident=2.0, radiated=1.5, reflected=0.5))
    assert "vortical" not in still["shares"]
    assert "absorbed" not in still["shares"]
    assert shown(texts.power(Balance(radiated=0.25))["radiated"]) == "0.25no power is incident"


def test_the_table_of_reflection_has_every_order(bench):
    found = bench.reflection(FIRST)
    html = texts.reflection(FIRST, found)
    own, text = found.into[FIRST.source.n], shown(html["reflection"])
    phase = f"{np.degrees(np.angle(own.pressure)):.1f}".replace("-", "−")
    tile = shown(html["reflection-tile"])
    assert tile == f"{abs(own.pressure):.5f}of p, phase {phase}°; of ψ {abs(own.potential):.5f}"
    assert shown(html["end-correction"]) == "–plane wave only"
    for row in found.into:
        kind = "on" if jnp_zeros(2, 9)[row.order] * np.sqrt(1 - 0.3**2) < 8.0 else "off"
        assert f"(2, {row.order})cut {kind}{abs(row.pressure):.5f}" in text
        assert f"°{abs(row.potential):.5f}" in text


def test_the_headline_is_the_reflection_of_the_pressure(bench):
    """At M = 0.95 |R| of the potential is 0.03, of the pressure 1.004."""
    mode = Mode.of(2, 0, 8.0, 0.95)
    exact = solve(mode.source)
    tile = texts.reflection(mode, bench.reflection(mode))["reflection-tile"]
    assert tile.startswith(f"{abs(exact.reflection_pressure[0]):.5f}")
    assert abs(exact.reflection_pressure[0]) > 1 > 0.1 > abs(exact.reflection[0])


def test_relevance_in_words_has_its_numbers(bench):
    found = bench.relevance(FIRST, "v", 0.1, 1.0)
    text = texts.relevance(found, "v")
    near = 100 * np.interp(0.1, compute.DISTANCES, found.within)
    assert f"|v| = {found.value:.4g} c at x = {found.at[0]:.3f} a, r = {found.at[1]:.3f} a" in text
    assert f"{near:.0f}% within 0.1 a, {100 * found.across:.0f}% across the wall" in text


def test_a_cut_off_mode_is_told_with_its_cut_on():
    assert f"propagates above ka = {4.2011889412 * np.sqrt(0.75):.4g}." in texts.notice(
        Mode.of(3, 0, 3.5, 0.5)
    )  # j'_31
    assert texts.notice(FIRST) == ""


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
        (Mode.of(2, 0, 60.0), "outside the training range", "only 3.4 points per shortest wavelength"),
    ],
)
def test_where_there_is_no_surrogate_there_is_a_reason(bench, mode, directivity, derivative):
    far, near = bench.directivity(mode), bench.derivative(mode, "u")
    assert far.surrogate is None
    assert re.search(directivity, far.reason)
    assert derivative in (near.reason or "".join(near.warnings))
    for theme in themes.THEMES.values():
        assert len(curves.directivity(theme, 600, far)["data"]) == 1
        go.Figure(maps.derivative(theme, 600, near, "u", mode))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"mach": 0.999}, "mach must lie in the trained range"),
        ({"helmholtz": 50.0}, "helmholtz must lie in the trained range"),
        ({"sound_speed_ratio": 3.0}, "sound_speed_ratio must lie in the trained range"),
        ({"mach_outer": 0.3}, "the streams are equal, or nearly"),
        ({"helmholtz": 1.0}, "not cut on"),
        ({"hub": 0.96}, "hub"),
    ],
)
def test_where_the_surrogate_of_jets_refuses_it_says_why(bench, values, reason):
    given = {"m": 2, "n": 0, "helmholtz": 8.0, "mach": 0.3, "flow": "jet"} | JET | values
    try:
        found = bench.directivity(Mode.of(**given)).reason
    except (ValueError, ConvergenceError) as error:  # the solver refuses it, too
        found = str(error)
    assert reason in found


def test_velocities_of_jets_have_no_network_and_say_so(bench):
    mode = Mode.of(0, 0, 2.0, 0.8, "jet", **JET)
    with pytest.raises(ValueError, match="no network for velocities in jets"):
        bench.relevance(mode, "u", 0.1, 1.0)
    with pytest.raises(ValueError, match="no surrogate for velocities in jets"):
        bench.derivative(mode, "u")


def test_the_surrogate_of_a_jet_is_shown_beside_the_solver(bench):
    """Its values, error and bar; the solver's own tolerance is 1e-4 on the page."""
    mode, model = Mode.of(1, 0, 4.0, 0.3, "jet", **JET | {"sound_speed_ratio": 0.7, "density_ratio": 2.0}), jets.load()
    found, theta = bench.directivity(mode), torch.from_numpy(np.radians(DEGREES))  # at rest outside
    outer = {"sound_speed_ratio": 0.7, "density_ratio": 2.0}
    with torch.no_grad():
        expected = model.directivity(1, 0, 4.0, 0.3, theta, **outer)[0].numpy()
        reflected = complex(model.reflection(1, 0, 4.0, 0.3, **outer)[0, 0])
    np.testing.assert_allclose(found.surrogate.amplitude, expected, rtol=1e-12, atol=1e-300)
    assert found.bar == model.error_bar(1, 4.0, 0.3, 0.95)
    assert found.error < 10 * found.bar
    made = curves.directivity(LIGHT, 600, found)
    assert [trace.get("name") for trace in made["data"]] == ["Wiener–Hopf", "surrogate", None, "error bar, 95%"]
    assert bench.learned_reflection(mode) == pytest.approx(reflected)
    own = bench.reflection(mode).into[0].potential
    assert abs(reflected - own) < 1e-3 * abs(own)
    assert f"surrogate: |R| of ψ {abs(reflected):.5f}, off by" in shown(texts.learned_reflection(own, reflected))
    for other in (FIRST, Mode.of(0, 0, 50.0, 0.3, "jet", **JET), Mode.of(1, 0, 4.0, 0.3, "jet", hub=0.3, **JET)):
        assert bench.learned_reflection(other) is None


@pytest.mark.parametrize(
    "outer", [{}, {"mach_outer": 0.2, "sound_speed_ratio": 0.8, "density_ratio": 1.5, "kutta": 0.0}]
)
@pytest.mark.parametrize("more", [{}, {"hub": 0.3}, {"liner": LINER}, {"instability": True}])
def test_a_jet_is_shown_whatever_goes_with_it(bench, outer, more):
    """With the surrogate beside it or the reason why not; its power is balanced."""
    mode = Mode.of(1, 0, 5.0, 0.4, "jet", **JET | outer, **more)
    far, near, balance = bench.directivity(mode), bench.near_field(mode), bench.power(mode)
    assert (far.surrogate is None) == bool(far.reason)
    assert np.all(np.isfinite(near.field.pressure))
    assert abs(balance.residual) < 1e-4
    assert bench.reflection(mode).into


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
    found: dict = {}

    def ask(mode):
        try:
            for name in ("u", "v"):
                found[mode, name] = bench.relevance(mode, name, 0.3, 0.8).relevance
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
    for (mode, name), relevance in found.items():  # as by one thread
        assert np.allclose(relevance, bench.relevance(mode, name, 0.3, 0.8).relevance, rtol=1e-12, atol=0)
    assert len(found) == 8


def test_weights_in_another_precision_are_for_one_thread_at_a_time(monkeypatch):
    mode, running, most = Mode.of(1, 0, 6.0), [], []
    values = parameters(mode.source.m, mode.source.helmholtz, mode.source.mach)
    call = constrained.functional_call

    def slow(*given):
        running.append(1)
        most.append(len(running))
        time.sleep(0.05)
        found = call(*given)
        running.pop()
        return found

    monkeypatch.setattr(constrained, "functional_call", slow)
    network = derivatives.load().on_grid(X, R)
    threads = [threading.Thread(target=network.weights, args=(values,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1, 1, 1]


# pictures


@pytest.mark.parametrize("theme", themes.THEMES.values(), ids=themes.THEMES)
def test_pictures_name_their_axes_and_units(bench, theme):
    jet, lined = Mode.of(0, 0, 2.0, 0.3, "jet", **JET), Mode.of(1, 0, 4.0, 0.2, liner=LINER)
    made = [maps.field(theme, 600, bench.near_field(FIRST), "pressure", FIRST, (0.1, 1.0))]
    made += [maps.field(theme, 600, bench.near_field(jet), "axial_velocity", jet, (0.1, 1.0))]
    made += [maps.relevance(theme, 400, bench.relevance(FIRST, "u", 0.1, 1.0), "u")]
    made += [curves.directivity(theme, 600, bench.directivity(FIRST))]
    made += [maps.derivative(theme, 900, bench.derivative(FIRST, "v"), "v", FIRST)]
    for figure, named in zip(
        made,
        (["x / a", "r / a", "Re p [ρc²]"], ["Re u [c]"], ["[%]", "distance / a"], ["[deg]", "level [dB]"], ["[c]"]),
        strict=True,
    ):
        text = json.dumps(json.loads(plotting.to_json(figure)), ensure_ascii=False)
        for name in named:
            assert name in text
        go.Figure(json.loads(plotting.to_json(figure)))  # as Plotly's own check of names and values
    assert len(made[1]["layout"]["shapes"]) == 2  # the wall and the sheet
    assert made[0]["data"][0]["z"].shape == (len(R), len(X))
    line = maps.field(theme, 600, bench.near_field(lined), "pressure", lined, (None, None))["layout"]["shapes"][1]
    assert (line["x0"], line["x1"], line["line"]["color"]) == (-1.5, -0.5, theme.liner)


def boxes(figure):
    """Pixels of a picture's axes: left, right, top, bottom, and the ranges of both."""
    layout = figure["layout"]
    for name in sorted(layout):
        if name.startswith("xaxis"):
            along, up = layout[name], layout[name.replace("x", "y", 1)]
            across = [layout["width"] * one for one in along["domain"]]
            yield across, [layout["height"] * (1 - one) for one in up["domain"][::-1]], along["range"], up["range"]


@pytest.mark.parametrize("width", [326, 346, 520, 557, 917, 1200])
def test_maps_have_one_scale_and_nothing_overlaps(bench, width):
    """From a telephone to a wide screen: radii are as long in x as in r, and axes are apart, with room for titles."""
    long = Mode.of(2, 0, 6.0, flow="none", liner=LINER | {"liner_length": 3.0})
    made = [maps.field(LIGHT, width, bench.near_field(mode), "pressure", mode, (None, None)) for mode in (FIRST, long)]
    made += [maps.relevance(LIGHT, width, bench.relevance(FIRST, "u", *at), "u") for at in ((0.1, 1.0), (1.9, 0.1))]
    made += [maps.derivative(LIGHT, width, bench.derivative(FIRST, "u"), "u", FIRST)]
    for figure, count in zip(made, (1, 1, 1, 1, 3), strict=True):
        places = list(boxes(figure))
        for across, up, along, away in places[:count]:
            scale = (across[1] - across[0]) / (along[1] - along[0])
            assert scale == pytest.approx((up[1] - up[0]) / (away[1] - away[0]), rel=5e-3)  # heights are whole pixels
            assert scale > 40  # pixels a radius: more than one for each cell
        for one, other in itertools.combinations(places, 2):
            apart_across = max(one[0][0], other[0][0]) - min(one[0][1], other[0][1])
            apart_up = max(one[1][0], other[1][0]) - min(one[1][1], other[1][1])
            assert apart_across > 30 or apart_up > 60
        assert figure["layout"]["width"] == width
    near = next(boxes(made[0]))
    assert near[0][1] - near[0][0] > 0.75 * width  # the field fills its card


def test_the_near_field_has_points_enough_for_its_shortest_waves(bench):
    """A wave of length 2 pi (1 - |M|) / ka against the flow."""
    for ka, mach in ((60.0, 0.0), (60.0, 0.3), (8.0, 0.95), (8.0, -0.95), (20.0, 0.9)):
        mode = Mode.of(2, 0, ka, mach)
        x, r, points, _ = picture_grid(mode)
        assert (x[1] - x[0]) * 6 < 2 * np.pi * (1 - abs(mach)) / ka
        assert (r[1] - r[0]) * 6 < 2 * np.pi * np.sqrt(1 - mach**2) / ka
        assert points >= 6
    # Radial oscillations of a mode that is cut off are shorter than the sound's.
    assert np.diff(picture_grid(Mode.of(30, 12, 0.5))[1])[0] * 6 < 2 * np.pi / jnp_zeros(30, 13)[-1]
    growing = Mode.of(0, 0, 8.0, 0.1, "jet", instability=True, **JET)
    wave = bench.solution(growing).instability[0].real
    assert 2 * np.pi / wave / np.diff(picture_grid(growing, wave + 0j)[0])[0] >= 6
    assert np.array_equal(picture_grid(FIRST)[0], X)  # no finer than needed
    few = bench.near_field(Mode.of(2, 0, 30.0, 0.9))
    assert few.points < 6
    assert f"only {few.points:.1f} points per shortest wavelength" in texts.field(FIRST, few, 1.0, None, False)
    with pytest.raises(ValueError, match=r"waves in the field, of 0\.0052 radii, are too short for a picture"):
        bench.near_field(Mode.of(2, 0, 60.0, -0.95))


@pytest.mark.parametrize(
    ("mode", "clipped"),
    [
        (FIRST, False),
        (Mode.of(0, 0, 0.2, 0.0), False),  # a node at the lip
        (Mode.of(20, 0, 1.0, 0.0), True),
        (Mode.of(30, 12, 0.5, 0.0), True),  # 1e68 at x = -2, more than single precision holds
        (Mode.of(0, 0, 8.0, 0.3, "jet", instability=True, **JET), True),
        (Mode.of(0, 0, 8.0, 0.3, "jet", **JET), False),
        (Mode.of(4, 0, 8.0, flow="none", liner=LINER | {"liner_length": np.inf}), True),
    ],
    ids=str,
)
def test_an_exponential_wave_does_not_take_the_colours(bench, mode, clipped):
    found = bench.near_field(mode)
    values = found.field.pressure.real
    limit, largest = colour_limit(found.x, values, mode)
    made = maps.field(LIGHT, 600, found, "pressure", mode, (None, None))["data"][0]
    assert (made["zmin"], made["zmax"]) == (-limit, limit)
    assert np.all(np.isfinite(made["z"]))
    assert (largest is not None) == clipped
    beside = np.abs(values[np.argsort(np.abs(found.x - mode.front))[:2]]).max()
    if clipped:
        assert limit < 6 * beside
        assert largest == np.abs(values).max()
        assert "colours end at ±" in texts.field(mode, found, limit, largest, False)
    else:
        assert limit == np.percentile(np.abs(values), 99.5)


def test_all_modes_have_the_levels_of_the_solver(bench):
    mode = Mode.of(2, 0, 4.0, 0.2)
    found = bench.all_modes(mode, "equal-power")
    many = solve(analytic.MultiMode.equal_power(4.0, 0.2))
    np.testing.assert_allclose(found.exact.level, many.directivity_index(np.radians(DEGREES)), atol=1e-9)
    assert found.reason.startswith(f"{len(many.source.parts)} modes that are cut on")
    note = texts.directivity(found)["directivity-note"]
    assert "modes that are cut on" in shown(note)
    for form in ("csv", "h5"):
        assert exports.export(bench, query.read(ALL_MODES[0]), parts.View(), "directivity", form)[1]
    with pytest.raises(ValueError, match="up to ka = 30 here, got 31"):
        bench.all_modes(Mode.of(2, 0, 31.0), "equal-power")


def test_two_cases_lie_over_each_other(bench):
    view = parts.View(held={"m": "0"})
    answers = {each["part"]: each for each in parts.update(bench, {}, view, ["directivity"])}
    first, second = answers["directivity"]["figure"]["data"][:2]
    assert (first["name"], second["name"]) == ("held case", "Wiener–Hopf")
    level = bench.directivity(Mode.of(0, 0, 8.0, 0.3)).exact.level
    np.testing.assert_array_equal(
        first["y"], np.maximum(level, first["y"].min())
    )  # what is below the picture ends there
    assert first["y"].min() < level.max() - 60
    for held, said in (({"mach": "2"}, "mach=2"), ({"radius": "0.4"}, "Its levels are in dB re 20 uPa")):
        (answer,) = parts.update(bench, {}, parts.View(held=held), ["directivity"])
        assert answer["figure"]["data"][0]["name"] == "Wiener–Hopf"
        assert said in answer["html"]["held"]


# the address


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8),
        ("1,5", 1.5),
        (" -0,35 ", -0.35),
        ("−0.35", -0.35),
        ("1e1", 10),
        (".5", 0.5),
        ("5.", 5),
        ("0,125", 0.125),
        ("", None),
    ],
)
def test_a_number_is_read_as_people_write_it(text, value):
    assert query.number("helmholtz", text) == value


@pytest.mark.parametrize(
    "text", ["1,234.5", "1.234,5", "1,2,3", "5 Hz", "nan", "inf", "1e999", "٣", "0x10", "1_000", "1 5", "--1", "e5"]
)
def test_what_is_no_number_is_refused_by_name(text):
    with pytest.raises(query.UnreadError, match=r"Helmholtz number ka must be a number such as 1\.5 or 1,5") as caught:
        query.number("helmholtz", text)
    assert caught.value.name == "helmholtz"


def test_a_comma_that_could_part_thousands_is_refused():
    with pytest.raises(query.UnreadError, match=r"the frequency f could be 3600 or 3\.600"):
        query.number("frequency", "3,600")


def test_velocities_of_a_mode_that_is_cut_off_are_not_lost_in_the_colours(bench):
    mode = Mode.of(10, 0, 2.0)  # e^11 at x = -1
    found = bench.derivative(mode, "u")
    made = maps.derivative(LIGHT, 900, found, "u", mode)["data"][0]
    assert made["zmax"] < 1e-3 * np.abs(found.exact).max()
    assert made["zmax"] == colour_limit(X, found.exact.real, mode)[0]
    (answer,) = parts.update(bench, {"m": "10", "helmholtz": "2", "flow": "none"}, parts.View(), ["derivative"])
    assert "colours end at ±" in answer["html"]["derivative-note"]


def test_an_address_says_what_is_shown():
    state = query.read({"wall": "lined", "resistance": "0,7", "reactance": "0.5", "time": "plus", "mach": "0.2"})
    assert state.mode == Mode.of(2, 0, 8.0, 0.2, liner=LINER | {"resistance": 0.7, "reactance": -0.5})
    assert query.read({}).mode == FIRST == Mode.of(2, 0, 8.0, 0.3)
    by_frequency = {"radius": "0,4", "frequency": "3600", "given": "frequency", "helmholtz": "nonsense"}
    assert query.read(by_frequency).mode.source.frequency == pytest.approx(3600, rel=1e-14)
    # What is hidden does not matter.
    assert query.read({"resistance": "x", "kutta": "y", "temperature": "z", "flow": "none", "mach": "w"}).mode
    assert query.read({"liner_length": "inf", "wall": "lined", "flow": "none"}).mode.liners[0].length == np.inf


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"colour": "red"}, "no control 'colour'"),
        ({"flow": "swirl"}, "flow must be one of none, uniform, jet"),
        ({"frequency": "100", "given": "frequency"}, "needs the duct radius a in metres"),
        ({"given": "frequency"}, "the frequency f is missing"),
        ({"radius": "0.4", "temperature": ""}, "temperature T is missing"),
        ({"radius": "0.4", "temperature": "-300"}, "temperature of air"),
        ({"m": "2.5"}, "m=2.5"),
        ({"wall": "lined", "resistance": "-1"}, "positive real part"),
        ({"wall": "lined", "reactance": ""}, "reactance Im Z is missing"),
    ],
)
def test_a_wrong_address_is_told(bench, given, named):
    with pytest.raises(ValueError, match=re.escape(named)):
        query.read(given)
    answers = list(parts.update(bench, given, parts.View(), tuple(parts.PARTS)))
    assert answers[0]["message"]["kind"] == "error"
    assert named.lower() in unescape(answers[0]["message"]["text"]).lower()
    assert {each["part"] for each in answers[1:]} == set(parts.PARTS)
    assert all(not each["figure"]["data"] for each in answers[1:] if "figure" in each)


def test_the_frequency_follows_the_helmholtz_number_and_the_other_way():
    duct = {"radius": "0.4", "temperature": "15"}
    frequency = parts.derived(query.read(duct | {"helmholtz": "26.588"}))
    assert float(frequency["frequency"]) == pytest.approx(26.588 * 340.294 / (2 * np.pi * 0.4), rel=1e-6)
    helmholtz = parts.derived(query.read(duct | {"frequency": "3600", "given": "frequency"}))
    assert float(helmholtz["helmholtz"]) == pytest.approx(2 * np.pi * 3600 * 0.4 / 340.294, rel=1e-6)
    assert parts.derived(query.read({})) == {"frequency": ""}


LINKS = [
    {"m": "3", "helmholtz": "9,25"},
    {"m": "22", "mach": "-0.35", "radius": "0.4", "frequency": "3600", "given": "frequency"},
    {"m": "22", "mach": "-0.35", "radius": "0.4", "frequency": "1200", "given": "frequency", "hub": "0.25"},
    {"flow": "jet", "m": "1", "sound_speed_ratio": "0.8", "density_ratio": "1.5", "kutta": "0.5"},
    {"flow": "none", "wall": "lined", "reactance": "-0.8", "time": "plus", "m": "4"},
    {"wall": "lined", "m": "4", "surface_wave": "stable", "radius": "0.5"},
]
ALL_MODES = [
    {"sound": "equal-power", "helmholtz": "4"},
    {"sound": "equal-energy-density", "helmholtz": "4", "radius": "0.4", "flow": "jet"},
    {"sound": "equal-power", "helmholtz": "4", "flow": "none", "wall": "lined"},
]


@pytest.mark.parametrize("given", [*LINKS, *ALL_MODES], ids=lambda given: given.get("flow", "") + given.get("wall", ""))
def test_the_python_lines_compute_what_is_shown(bench, given, capsys):
    state = query.read(given)
    scope: dict = {}
    exec(unescape(parts.code(bench, state, parts.View())["html"]["python-lines"]), scope)
    mode, printed = state.mode, capsys.readouterr().out
    own = bench.reflection(mode).into[mode.source.n]
    assert float(printed.split()[0]) == pytest.approx(abs(own.pressure), rel=1e-9)
    far = parts.far_field(bench, state)
    np.testing.assert_allclose(scope["level"], far.exact.level, atol=1e-7)
    np.testing.assert_allclose(scope["field"].pressure, bench.near_field(mode).field.pressure, rtol=1e-6)


@pytest.mark.parametrize("given", LINKS, ids=lambda given: given.get("flow", "") + given.get("wall", ""))
def test_the_command_computes_what_is_shown(bench, given, capsys):
    state = query.read(given)
    with pytest.raises(SystemExit) as stop:
        main([*unescape(lines.command(state)).split()[1:], "--json", "--angles", "0:180:181"])
    assert stop.value.code == 0
    found, mode = json.loads(capsys.readouterr().out), state.mode
    reflected = found["reflection"][mode.source.n]
    own = bench.reflection(mode).into[mode.source.n].potential
    assert complex(*reflected) == pytest.approx(own, rel=1e-3 if mode.in_jet else 1e-9)
    level = np.array([np.nan if one is None else one for one in found["far_field"]["level_db"]])
    inner = slice(2, 179)
    np.testing.assert_allclose(level[inner], bench.directivity(mode).exact.level[inner], atol=0.01)


# files


def test_files_have_the_data_of_each_picture(bench):
    state, view = query.read({}), parts.View(held={"m": "0"})
    for figure, wanted in (
        ("field", {"x", "r", *compute.QUANTITIES}),
        ("directivity", {"angle", "level", "directivity", "surrogate_level", "held_level", "held_surrogate_level"}),
        ("relevance", {"x", "r", "relevance", "distance", "within"}),
        ("derivative", {"x", "r", "axial_velocity", "axial_velocity_by_network"}),
    ):
        kind, content = exports.export(bench, state, view, figure, "h5")
        assert kind == "application/x-hdf5"
        with h5py.File(io.BytesIO(content)) as file:
            assert wanted <= set(file)
            assert file.attrs["case"].decode() == "wavenet solve --m=2 --n=0 --helmholtz=8 --mach=0.3"
            assert all(file[name].attrs["units"] for name in file)
        kind, content = exports.export(bench, state, view, figure, "csv")
        assert kind == "text/csv"
        assert wanted - {"x", "r"} <= set(re.findall(r'[",](?:Re |Im )?(\w+) \[', content.decode())) | {"x", "r"}
    _, content = exports.export(bench, state, view, "field", "csv")
    table = list(csv.reader(line for line in content.decode().splitlines() if not line.startswith("#")))
    assert table[0][:4] == ["x [a]", "r [a]", "Re pressure [ρc²]", "Im pressure [ρc²]"]
    values = np.array(table[1:], dtype=float)
    pressure = bench.near_field(FIRST).field.pressure
    np.testing.assert_allclose(values[:, 2] + 1j * values[:, 3], pressure.ravel(), rtol=1e-7)
    assert (values[1, 0], values[1, 1]) == (X[0], R[1])
    _, content = exports.export(bench, state, view, "field", "h5")
    with h5py.File(io.BytesIO(content)) as file:
        np.testing.assert_array_equal(file["pressure"][:], bench.near_field(FIRST).field.pressure)
        assert file["pressure"].dims[0][0][:].tolist() == X.tolist()
    for figure, form in (("sketch", "csv"), ("field", "xlsx")):
        with pytest.raises(ValueError, match="expected one of"):
            exports.export(bench, state, view, figure, form)


# the server


@pytest.fixture(scope="module")
def served(bench):
    with Page(bench) as page:
        yield page.url


def fetch(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_the_server_sends_parts_in_lines_and_files_with_names(served):
    status, _, content = fetch(f"{served}update?parts=summary,field&m=1&theme=dark&width.field=500")
    answers = [json.loads(line) for line in content.decode().splitlines()]
    assert status == 200
    assert [each["part"] for each in answers] == ["summary", "field"]
    assert answers[1]["figure"]["layout"]["width"] == 500
    assert answers[1]["figure"]["layout"]["font"]["color"] == themes.THEMES["dark"].ink
    status, headers, content = fetch(f"{served}export/directivity.csv?m=1&theme=light")
    assert (status, headers["Content-Disposition"]) == (200, 'attachment; filename="wavenet-directivity.csv"')
    assert b"# case: wavenet solve --m=1" in content
    assert fetch(f"{served}plotly.js")[0] == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("update?parts=everything", 400),
        ("update?theme=pink", 400),
        ("update?width.field=wide", 400),
        ("update?width.field=nan", 400),
        ("export/field.csv?m=x", 400),
        ("export/field.exe", 400),
        ("export/relevance.csv?flow=jet", 400),
        ("assets/..%2fserver.py", 404),
        ("assets/server.py", 404),
        ("nowhere", 404),
    ],
)
def test_the_server_refuses_what_it_does_not_know(served, path, status):
    assert fetch(served + path)[0] == status


def test_the_server_answers_to_its_own_name_only(served):
    assert fetch(f"{served}update", Host="example.org")[0] == 400


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


def test_without_plotly_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "plotly", None)
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
