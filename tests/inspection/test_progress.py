"""A terminal sees a bar or a line that changes, a file only what is new."""

import io
import re
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Status
from sklearn_meta.inspection import _progress
from sklearn_meta.inspection._progress import (
    ChangingLine,
    LogLines,
    RichBar,
    State,
    make_progress,
    shown,
)
from tests.evaluation.records import evaluation


class Terminal(io.StringIO):
    def isatty(self):
        return True


class OutStream(io.StringIO):
    """A stream like that of a notebook."""


OutStream.__module__ = "ipykernel.iostream"


@pytest.fixture
def now():
    return [0.0]


def budget(now, seconds=60.0):
    return Budget(seconds, lambda: now[0])


def begin(history, *texts):
    """Let candidates be evaluated."""
    history.running = {
        number: SimpleNamespace(candidate=SimpleNamespace(text=text))
        for number, text in enumerate(texts)
    }


# What is shown where


def test_where_rich_is_a_terminal_sees_its_bar(now, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_progress(budget(now), History(), Terminal()), RichBar)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_progress(budget(now), History(), Terminal()), ChangingLine)


def test_without_rich_a_terminal_sees_a_line(now, monkeypatch):
    monkeypatch.setattr(_progress, "_has_rich", lambda: False)
    assert isinstance(make_progress(budget(now), History(), Terminal()), ChangingLine)


def test_a_notebook_sees_a_line_and_a_file_a_log(now):
    assert isinstance(make_progress(budget(now), History(), OutStream()), ChangingLine)
    assert isinstance(make_progress(budget(now), History(), io.StringIO()), LogLines)


def test_standard_error_is_the_default(now, capsys):
    make_progress(budget(now), History()).close("done")
    assert capsys.readouterr().err == "0 evaluations in 0.0 s: done\n"


# A log


def test_a_file_gets_a_line_for_each_gain(now):
    stream, history = io.StringIO(), History()
    progress = LogLines(budget(now), history, stream)
    with shown(progress):
        for number, score in enumerate([0.5, 0.4, 0.6]):
            now[0] += 10
            history.add(evaluation(number, [score]))
            progress.update()
    progress.close("time budget used")
    assert stream.getvalue().splitlines() == [
        "10/60 s, 1 evaluation, best 0.5 c0",
        "30/60 s, 3 evaluations, best 0.6 c2",
        "3 evaluations in 30.0 s: time budget used",
    ]


def test_a_failure_is_no_gain(now):
    stream, history = io.StringIO(), History()
    history.add(evaluation(0, status=Status.FAILED))
    LogLines(budget(now), history, stream).update()
    assert stream.getvalue() == ""


# A line


def test_a_line_shows_seconds_evaluations_score_and_what_is_tried(now):
    stream, history = Terminal(), History()
    progress = ChangingLine(budget(now), history, stream, 200)
    begin(history, "a(X)", "b(pca(X))", "c", "d", "e")
    history.add(evaluation(0, [0.25, 0.75]))
    now[0] = 15.0
    progress.update()
    assert stream.getvalue() == (
        "\r[#####---------------] 15/60 s | 1 evaluation | best 0.5 c0 | "
        "trying a, b, c and 2 more"
    )


def test_a_shorter_line_covers_the_longer_one(now):
    stream, history = Terminal(), History()
    progress = ChangingLine(budget(now, np.inf), history, stream, 200)
    begin(history, "a long pipeline")
    with shown(progress):
        begin(history)
        progress.update()
    progress.close("done")
    _, first, second, removed, last = stream.getvalue().split("\r")
    assert first == " 0 s | 0 evaluations | trying a long pipeline"
    assert second.rstrip() == " 0 s | 0 evaluations"
    assert len(second) == len(first)
    assert removed == " " * len(second.rstrip())
    assert last == "0 evaluations in 0.0 s: done\n"


def test_a_line_is_no_longer_than_the_terminal(now):
    stream, history = Terminal(), History()
    begin(history, "x" * 100)
    ChangingLine(budget(now), history, stream, 60).update()
    (line,) = stream.getvalue().split("\r")[1:]
    assert len(line) == 60 and line.endswith("...")


def test_the_line_is_removed_after_an_error(now):
    stream = Terminal()
    with (
        pytest.raises(KeyboardInterrupt),
        shown(ChangingLine(budget(now), History(), stream, 80)),
    ):
        raise KeyboardInterrupt
    *_, removed, end = stream.getvalue().split("\r")
    assert removed.strip() == end == ""


# The bar of rich


def drawn(progress):
    """What rich draws, as text."""
    from rich.console import Console

    console = Console(width=120, file=io.StringIO(), color_system=None)
    console.print(progress._drawn())
    return console.file.getvalue()


def test_a_bar_shows_seconds_evaluations_score_and_what_is_tried(now):
    pytest.importorskip("rich")
    history = History()
    progress = RichBar(budget(now), history, Terminal())
    begin(history, "lightgbm(X)")
    history.add(evaluation(0, [0.5]))
    now[0] = 30.0
    text = drawn(progress)
    assert re.fullmatch(
        r"━+╸? +30/60 s  1 evaluation  best 0\.5 c0  trying lightgbm\s*", text
    )
    now[0] = 60.0
    assert drawn(progress).count("━") == _progress.BAR_WIDTH


def test_a_bar_without_a_limit_has_no_end(now):
    pytest.importorskip("rich")
    text = drawn(RichBar(budget(now, np.inf), History(), Terminal()))
    assert "0 s  0 evaluations" in text


def test_the_cursor_is_back_after_an_error(now):
    pytest.importorskip("rich")
    from rich.control import Control

    stream = Terminal()
    progress = RichBar(budget(now), History(), stream)
    with pytest.raises(KeyboardInterrupt), shown(progress):
        raise KeyboardInterrupt
    hide, show = (str(Control.show_cursor(is_shown)) for is_shown in (False, True))
    written = stream.getvalue()
    if hide in written:
        assert written.rindex(show) > written.rindex(hide)
    assert not progress._live.is_started


# What all show


def test_what_was_fitted_without_a_search_has_no_score(now):
    history = History()
    history.add(evaluation(0))
    assert State.of(budget(now), history).parts() == ["0/60 s", "1 evaluation"]


def test_a_log_has_the_pipelines_and_a_bar_their_learners(now):
    history = History()
    history.add(evaluation(0, [0.5], text="ridge(pca(X))"))
    state = State.of(budget(now), history)
    assert state.parts()[-1] == "best 0.5 ridge"
    assert state.parts(48)[-1] == "best 0.5 ridge(pca(X))"


def test_long_pipelines_are_cut(now):
    history = History()
    history.add(evaluation(0, [0.5], text="x" * 60))
    *_, best = State.of(budget(now), history).parts(48)
    assert best == f"best 0.5 {'x' * 45}..."
