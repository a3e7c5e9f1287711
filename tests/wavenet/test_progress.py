"""Progress of long work: lines where nobody sees a bar, and the time left."""

import io
import sys

import pytest

from wavenet.progress import Progress, duration


class Clock:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def lines_of(monkeypatch, steps, *, note=None):
    """What is printed when so many of all steps are done at so many seconds."""
    stream, clock = io.StringIO(), Clock()
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress("work", "cases", clock=clock) as shown:
        for seconds, done, total in steps:
            clock.now = 100.0 + seconds
            if note:
                shown.note(validation_loss=note)
            shown.to(done, total)
    return stream.getvalue().splitlines()


def test_a_line_stands_at_each_tenth(monkeypatch):
    steps = [(10 * number, number, 200) for number in range(201)]
    found = lines_of(monkeypatch, steps)
    assert len(found) == 10
    assert found[0] == "work: 10 % of 200 cases, 30 min left"  # 200 seconds for 20 cases, 180 to go
    assert found[-1] == "work: 100 % of 200 cases, 33 min taken"


def test_what_an_interrupted_run_has_done_does_not_count(monkeypatch):
    found = lines_of(monkeypatch, [(0, 100, 200), (30, 120, 200)])
    assert found == ["work: 60 % of 200 cases, 2.0 min left"]  # 20 cases in 30 seconds, 80 to go


def test_short_work_is_silent(monkeypatch):
    assert lines_of(monkeypatch, [(number / 50, number, 200) for number in range(201)]) == []


def test_results_stand_beside_it(monkeypatch):
    found = lines_of(monkeypatch, [(0, 0, 10), (60, 5, 10)], note="0.02")
    assert found == ["work: 50 % of 10 cases, 60 s left, validation loss 0.02"]


def test_a_terminal_has_a_bar(monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress("work", "cases") as shown:
        shown.to(1, 4)
        shown.to(4, 4)
    assert "work" in stream.getvalue()
    assert "4/4" in stream.getvalue()


def test_nothing_is_shown_if_not_asked_or_without_a_stream(monkeypatch, capsys):
    with Progress("work", shown=False) as shown:
        shown.to(1, 1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "stderr", None)
    with Progress("work") as shown:
        shown.to(1, 1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "1.5 min"), (600, "10 min"), (5399, "90 min"), (5400, "1.5 h"), (90000, "25 h")],
)
def test_times_have_two_digits(seconds, text):
    assert duration(seconds) == text
