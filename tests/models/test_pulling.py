"""How far a pull is, told so that it never goes back."""

from __future__ import annotations

import pytest

from chatui.models import PullMeter, PullProgress


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_second_layer_and_a_server_that_tells_less_do_not_go_back() -> None:
    meter = PullMeter()
    seen: list[tuple[float, int]] = []
    meter.begin()
    for status, completed, total in [
        ("pulling a", 0, 1000),
        ("pulling a", 900, 1000),
        ("pulling a", 300, 1000),  # as servers do (ollama#1036)
        ("pulling a", 1000, 1000),
        ("pulling b", 0, 500),
        ("pulling b", 500, 500),
        ("verifying sha256 digest", None, None),
    ]:
        meter.take(PullProgress(status, completed, total))
        seen.append((meter.fraction or 0.0, meter.completed))
    assert seen == sorted(seen)
    assert (meter.fraction, meter.completed, meter.total) == (1.0, 1500, 1500)
    assert meter.status == "verifying sha256 digest"


def test_a_pull_that_goes_on_begins_where_it_was() -> None:
    meter = PullMeter()
    meter.begin()
    meter.take(PullProgress("pulling a", 600, 1000))
    meter.begin()
    assert meter.fraction == 0.6
    meter.take(PullProgress("pulling a", None, 1000))
    assert meter.fraction == 0.6
    meter.take(PullProgress("pulling a", 700, 1000))
    assert meter.fraction == 0.7


def test_speed_and_time_left_count_what_comes_over_the_line() -> None:
    clock = Clock()
    meter = PullMeter(clock)
    meter.begin()
    # 500 were there before: they cost no time.
    for completed in (500, 600, 700):
        meter.take(PullProgress("pulling a", completed, 1000))
        clock.now += 1
    assert meter.speed == pytest.approx(100)
    assert meter.seconds_left == pytest.approx(3)


def test_the_speed_is_that_of_lately() -> None:
    clock = Clock()
    meter = PullMeter(clock)
    for second in range(60):
        meter.take(PullProgress("pulling a", min(second, 30) * 1000, 1_000_000))
        clock.now += 1
    assert meter.speed == 0
    assert meter.seconds_left is None


def test_nothing_is_told_before_there_is_something_to_tell() -> None:
    meter = PullMeter()
    meter.take(PullProgress("pulling manifest"))
    assert (meter.fraction, meter.speed, meter.seconds_left) == (None, None, None)
    meter.take(PullProgress("pulling a", 5, 10))
    assert (meter.speed, meter.seconds_left) == (None, None)
