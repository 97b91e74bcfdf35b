"""Progress of a search on standard error: a bar, a line that changes, or a log.

All show the seconds of the budget, the number of evaluations and the best score; bar
and line what is being tried.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from dataclasses import dataclass

# Characters of a pipeline in a log, and of a bar.
PIPELINE_WIDTH, BAR_WIDTH = 48, 20

# Pipelines of which a bar says that they are being tried.
MAX_TRIED = 3

# A notebook does not say how wide it is.
NOTEBOOK_WIDTH = 100

REFRESHES_PER_SECOND = 4


def make_progress(budget, history, stream=None):
    """Return the display for where the progress is shown.

    Parameters
    ----------
    budget : Budget
        Gives the seconds.
    history : History
        Evaluations so far, and what is being evaluated.
    stream : file-like, default=None
        None for ``sys.stderr``.

    Returns
    -------
    progress : RichBar, ChangingLine or LogLines
        On a terminal a bar that moves, if rich is installed, or else a line that
        changes with each evaluation; the same line in a notebook, without widgets; in
        any other place, such as a file, a line for each better score.
    """
    stream = sys.stderr if stream is None else stream
    if _is_notebook(stream):
        return ChangingLine(budget, history, stream, NOTEBOOK_WIDTH)
    if not stream.isatty():
        return LogLines(budget, history, stream)
    if _has_rich() and os.environ.get("TERM") != "dumb":
        return RichBar(budget, history, stream)
    return ChangingLine(budget, history, stream)


@contextlib.contextmanager
def shown(progress):
    """Return a context in which a display is shown, however it ends.

    Parameters
    ----------
    progress : RichBar, ChangingLine, LogLines or None
        None shows nothing.
    """
    if progress is None:
        yield
        return
    try:
        progress.start()
        yield
    finally:
        progress.stop()


class LogLines:
    """A line whenever the best score improves, for files and pipes.

    Parameters
    ----------
    budget : Budget
    history : History
    stream : file-like
    """

    def __init__(self, budget, history, stream):
        self._budget = budget
        self._history = history
        self._stream = stream
        self._best = None

    def start(self):
        """Write nothing before the first evaluation."""

    def update(self):
        """Write a line if the last evaluation is the best one."""
        best = self._history.best()
        if best is not None and best is not self._best:
            self._best = best
            state = State.of(self._budget, self._history)
            self._stream.write(f"{', '.join(state.parts(PIPELINE_WIDTH))}\n")
            self._stream.flush()

    def stop(self):
        """Leave the lines as they are."""

    def close(self, reason):
        """Write why the search ended."""
        self._stream.write(_summary(self._budget, self._history, reason))
        self._stream.flush()


class ChangingLine:
    """A line that is written anew after each evaluation.

    Parameters
    ----------
    budget : Budget
    history : History
    stream : file-like
    width : int, default=None
        Number of characters; None for the width of the terminal.
    """

    def __init__(self, budget, history, stream, width=None):
        self._budget = budget
        self._history = history
        self._stream = stream
        self._width = width
        self._written = 0

    def start(self):
        """Write the line."""
        self.update()

    def update(self):
        """Write the line anew."""
        width = self._width or shutil.get_terminal_size().columns - 1
        state = State.of(self._budget, self._history)
        parts = [*state.parts(), *state.tried()]
        self._write(_shortened(f"{_bar(state)} {' | '.join(parts)}", width))

    def stop(self):
        """Remove the line."""
        self._write("")
        self._stream.write("\r")
        self._stream.flush()

    def close(self, reason):
        """Write why the search ended, in the place of the line."""
        self._stream.write(_summary(self._budget, self._history, reason))
        self._stream.flush()

    def _write(self, text):
        self._stream.write("\r" + text.ljust(self._written))
        self._written = len(text)
        self._stream.flush()


class RichBar:
    """A bar that moves with the seconds, by rich.

    Parameters
    ----------
    budget : Budget
    history : History
    stream : file-like
        A terminal.
    """

    def __init__(self, budget, history, stream):
        self._budget = budget
        self._history = history
        self._stream = stream
        self._live = None

    def start(self):
        """Draw the bar, from a thread of rich."""
        from rich.console import Console
        from rich.live import Live

        self._live = Live(
            console=Console(file=self._stream),
            get_renderable=self._drawn,
            refresh_per_second=REFRESHES_PER_SECOND,
            transient=True,
            # Of the process, which may have several fits in several threads.
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def update(self):
        """Do nothing: the bar reads the history."""

    def stop(self):
        """Remove the bar, and show the cursor again."""
        if self._live is not None:
            self._live.stop()

    def close(self, reason):
        """Write why the search ended."""
        self._stream.write(_summary(self._budget, self._history, reason))
        self._stream.flush()

    def _drawn(self):
        """Return what rich draws: a bar, and the text that there is room for."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        state = State.of(self._budget, self._history)
        is_endless = state.seconds == float("inf")
        bar = ProgressBar(
            total=None if is_endless else state.seconds,
            completed=state.elapsed,
            width=BAR_WIDTH,
            pulse=is_endless,
        )
        seconds, evaluations, *best = state.parts()
        text = Text.assemble(
            (seconds, "cyan"), "  ", evaluations, *(("  " + b, "bold") for b in best),
            *(("  " + t, "dim") for t in state.tried()),
            no_wrap=True, overflow="ellipsis",
        )  # fmt: skip
        grid = Table.grid(padding=(0, 1))
        grid.add_row(bar, text)
        return grid


@dataclass(frozen=True)
class State:
    """What a display shows at one moment.

    Parameters
    ----------
    elapsed, seconds : float
        Seconds since the start, and of the whole budget.
    n_evaluations : int
    best : (float, str) or None
        Score and text of the best pipeline; None if none has a score.
    trying : tuple of str
        Texts of the pipelines that are being evaluated.
    """

    elapsed: float
    seconds: float
    n_evaluations: int
    best: tuple[float, str] | None
    trying: tuple[str, ...]

    @classmethod
    def of(cls, budget, history) -> State:
        """Return the state of a search."""
        best, found = history.best(), None
        if best is not None and best.folds:
            found = best.as_reported().score, best.candidate.text
        return cls(
            elapsed=budget.elapsed(),
            seconds=budget.seconds,
            n_evaluations=len(history),
            best=found,
            # A copy: it changes while a thread of rich reads it.
            trying=tuple(p.candidate.text for p in list(history.running.values())),
        )

    def parts(self, width=None) -> list[str]:
        """Return seconds, number of evaluations and best score, in words.

        Parameters
        ----------
        width : int, default=None
            Characters of the best pipeline; None for its learner alone.
        """
        limit = "" if self.seconds == float("inf") else f"/{self.seconds:.0f}"
        plural = "" if self.n_evaluations == 1 else "s"
        parts = [
            f"{self.elapsed:.0f}{limit} s",
            f"{self.n_evaluations} evaluation{plural}",
        ]
        if self.best is not None:
            score, text = self.best
            what = _learner(text) if width is None else _shortened(text, width)
            parts.append(f"best {score:.5g} {what}")
        return parts

    def tried(self) -> list[str]:
        """Return what is being tried, in words; empty if nothing is."""
        if not self.trying:
            return []
        n_more = len(self.trying) - MAX_TRIED
        more = f" and {n_more} more" if n_more > 0 else ""
        learners = ", ".join(_learner(text) for text in self.trying[:MAX_TRIED])
        return [f"trying {learners}{more}"]


def _bar(state):
    """Return a bar of characters; without a limit there is none."""
    if state.seconds == float("inf"):
        return ""
    share = min(1.0, state.elapsed / state.seconds)
    return f"[{'#' * int(BAR_WIDTH * share):-<{BAR_WIDTH}}]"


def _summary(budget, history, reason):
    n = len(history)
    plural = "" if n == 1 else "s"
    return f"{n} evaluation{plural} in {budget.elapsed():.1f} s: {reason}\n"


def _learner(text):
    """Return the operator at the root of a pipeline."""
    return text.partition("(")[0]


def _shortened(text, width):
    """Truncate a text to some characters."""
    return text if len(text) <= width else text[: width - 3] + "..."


def _has_rich():
    try:
        import rich.live  # noqa: F401
    except ImportError:
        return False
    return True


def _is_notebook(stream):
    """Whether a stream is that of a notebook, which lets lines be written anew."""
    return type(stream).__module__.startswith("ipykernel")
