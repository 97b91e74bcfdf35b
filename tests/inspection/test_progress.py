"""A terminal sees one line that changes, a file only what is new."""

import io

import numpy as np
import pytest

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection._progress import ProgressLine
from tests.evaluation.records import evaluation


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def now():
    return [0.0]


def line(stream, now, seconds=60.0):
    return ProgressLine(Budget(seconds, lambda: now[0]), stream)


def test_a_terminal_sees_every_evaluation_on_one_line(now):
    stream, history = Terminal(), History()
    progress = line(stream, now)
    history.add(evaluation(0, [0.25, 0.75]))
    progress.update(history)
    now[0] = 12.0
    history.add(evaluation(1, status=Status.FAILED))
    progress.update(history)
    first, second = stream.getvalue().split("\r")[1:]
    assert first == "1 evaluations, best score 0.5 (c0), 60 s left"
    assert second == "2 evaluations, best score 0.5 (c0), 48 s left"
    assert "\n" not in stream.getvalue()


def test_a_shorter_line_covers_the_longer_one(now):
    stream, history = Terminal(), History()
    progress = line(stream, now, seconds=1e9)
    history.add(evaluation(0, [0.123456789]))
    progress.update(history)
    now[0] = 1e9 - 1
    progress.update(history)
    first, second = stream.getvalue().split("\r")[1:]
    assert second.rstrip() == "1 evaluations, best score 0.12346 (c0), 1 s left"
    assert len(second) == len(first)
    progress.close("done", 1)
    last = stream.getvalue().rpartition("\r")[2]
    assert last.rstrip().endswith("s: done") and last.endswith("\n")
    assert len(last) > len(second.rstrip())


def test_a_file_gets_a_line_for_each_gain(now):
    stream, history = io.StringIO(), History()
    progress = line(stream, now)
    for number, score in enumerate([0.5, 0.4, 0.6]):
        history.add(evaluation(number, [score]))
        progress.update(history)
    progress.close("time budget used", 3)
    lines = stream.getvalue().splitlines()
    assert [text.partition(",")[0] for text in lines[:2]] == [
        "1 evaluations",
        "3 evaluations",
    ]
    assert lines[2:] == ["3 evaluations in 0.0 s: time budget used"]
    assert "\r" not in stream.getvalue()


def test_without_a_score_or_a_limit_nothing_is_said_of_them(now):
    stream, history = Terminal(), History()
    history.add(evaluation(0, status=Status.FAILED))
    line(stream, now, seconds=np.inf).update(history)
    assert stream.getvalue() == "\r1 evaluations"


def test_what_was_fitted_without_a_search_has_no_score(now):
    stream, history = Terminal(), History()
    history.add(evaluation(0))
    line(stream, now).update(history)
    assert stream.getvalue() == "\r1 evaluations, 60 s left"


def test_long_pipelines_are_cut(now):
    stream, history = Terminal(), History()
    history.add(evaluation(0, [0.5], text="x" * 60))
    line(stream, now).update(history)
    assert f"({'x' * 45}...)" in stream.getvalue()


def test_standard_error_is_the_default(now, capsys):
    line(None, now).close("done", 0)
    assert capsys.readouterr().err == "0 evaluations in 0.0 s: done\n"
