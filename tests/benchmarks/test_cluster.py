"""The simulation of fits on large clusters."""

import pytest

from benchmarks.cluster import simulate_fit

FAST = {
    "proposal": 0.0,
    "result": 0.0,
    "calls_a_second": 1e9,
    "latency": 0.0,
    "bytes_a_second": 1e99,
}


def simulate(n_workers, seconds=1.0, budget=200.0, **changes):
    return simulate_fit(n_workers, seconds, budget=budget, **{**FAST, **changes})


def test_without_overhead_workers_are_always_busy():
    share, rate = simulate(10, seconds=0.5, budget=2000.0)
    assert share == pytest.approx(1)
    # The mean of a lognormal with a median of 1.
    assert rate == pytest.approx(20 / 1.65, rel=0.1)


def test_the_driver_limits_the_rate():
    share, rate = simulate(1000, proposal=0.01, result=0.01)
    assert rate == pytest.approx(50, rel=0.05) and share < 0.1


def test_the_scheduler_limits_the_rate():
    _, rate = simulate(100, seconds=0.01, calls_a_second=100.0)
    assert rate == pytest.approx(100, rel=0.05)


def test_a_look_ahead_of_one_leaves_one_worker():
    share, _ = simulate(10, look_ahead=1)
    assert share == pytest.approx(0.1, rel=0.05)
