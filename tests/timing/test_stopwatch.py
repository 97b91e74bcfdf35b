"""Seconds of the parts of a fit."""

import pytest

from sklearn_meta.timing import _stopwatch
from sklearn_meta.timing._stopwatch import Stopwatch


def test_blocks_of_one_name_add_up_also_where_they_raise(monkeypatch):
    now = iter([0.0, 1.0, 10.0, 12.5, 20.0, 24.0])
    monkeypatch.setattr(_stopwatch.time, "perf_counter", lambda: next(now))
    watch = Stopwatch()
    with watch("search"):
        pass
    with watch("search"):
        pass
    with pytest.raises(ValueError), watch("combine"):
        raise ValueError
    assert watch.seconds == {"search": 3.5, "combine": 4.0}
