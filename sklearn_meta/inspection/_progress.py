"""Progress line of a search on standard error."""

from __future__ import annotations

import sys


class ProgressLine:
    """Line with the number of evaluations, the best score and the time left.

    On a terminal, the line is rewritten after each evaluation. In a file, such as a
    log, a line is appended whenever the best score improves.

    Parameters
    ----------
    budget : Budget
        Gives the time left.
    stream : file-like, default=None
        None for ``sys.stderr``.
    """

    def __init__(self, budget, stream=None):
        self._budget = budget
        self._stream = sys.stderr if stream is None else stream
        self._width = 0
        self._best = None

    def update(self, history):
        """Show the state after an evaluation.

        Parameters
        ----------
        history : History
        """
        best = history.best()
        text = f"{len(history)} evaluations"
        if best is not None and best.folds:
            score, pipeline = best.as_reported().score, _short(best.candidate.text)
            text += f", best score {score:.5g} ({pipeline})"
        left = self._budget.remaining()
        text += f", {left:.0f} s left" if left != float("inf") else ""
        if self._stream.isatty():
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        elif best is not None and best is not self._best:
            self._stream.write(text + "\n")
        self._best = best
        self._stream.flush()

    def close(self, reason, n_evaluations):
        """Replace the line by a summary of the search.

        Parameters
        ----------
        reason : str
            Why the search ended.
        n_evaluations : int
        """
        end = "\r" if self._stream.isatty() else ""
        text = (
            f"{n_evaluations} evaluations in {self._budget.elapsed():.1f} s: {reason}"
        )
        self._stream.write(f"{end}{text.ljust(self._width)}\n")
        self._stream.flush()


def _short(text, width=48):
    """Truncate a text to some characters."""
    return text if len(text) <= width else text[: width - 3] + "..."
