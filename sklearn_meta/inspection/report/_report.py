"""The report of a fitted estimator: a page that is shown, saved or read as text."""

from __future__ import annotations

import html
import os
from dataclasses import dataclass, field

from sklearn_meta.inspection.report import _page
from sklearn_meta.inspection.report._collect import collect_facts
from sklearn_meta.inspection.report._facts import Facts

# Height of the page in a notebook, in pixels.
HEIGHT = 640


@dataclass(frozen=True)
class Report:
    """Report of a fitted `MetaAutoClassifier` or `MetaAutoRegressor`.

    Made by their method ``report``. A notebook shows the page in a frame that may
    neither run scripts nor load anything.

    Parameters
    ----------
    facts : Facts
        Numbers and texts of the report, an immutable record.
    html : str
        The whole page.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MetaAutoClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MetaAutoClassifier(max_evaluations=4, random_state=0).fit(X, y)
    >>> print(clf.report())
    Classification into 3 classes
    ...
    """

    facts: Facts = field(repr=False)
    html: str = field(repr=False)

    def summary_lines(self):
        """Return what to expect of the model, as text.

        Returns
        -------
        lines : list of str
            Sentences of the section "In short".
        """
        return self.facts.summary_lines()

    def watch_lines(self):
        """Return what to watch out for, as text.

        Returns
        -------
        lines : list of str
            One line for each thing, serious ones first, such as ``"Few rows: ..."``.
        """
        return self.facts.watch_lines()

    def save(self, path):
        """Write the page to a file, which is complete or not there.

        Parameters
        ----------
        path : path-like
            Such as ``"report.html"``. An existing file is replaced.

        Returns
        -------
        report : Report
            This report.
        """
        write_whole(path, self.html)
        return self

    def __str__(self):
        lines = [self.facts.title, "", *self.summary_lines()]
        watches = self.watch_lines()
        if watches:
            lines += ["", "Watch out", *watches]
        return "\n".join(lines)

    def _repr_html_(self):
        """Return the page in a frame without rights, for notebooks."""
        return (
            f'<iframe srcdoc="{html.escape(self.html)}" sandbox="" '
            f'referrerpolicy="no-referrer" title="{html.escape(self.facts.title)}" '
            f'style="width:100%;height:{HEIGHT}px;border:1px solid #ddd"></iframe>'
        )


def make_report(model, path=None, X_test=None, y_test=None) -> Report:
    """Make the report of a fitted estimator, and write it to a file if there is a path.

    Parameters
    ----------
    model : fitted MetaAutoClassifier or MetaAutoRegressor
    path : path-like, default=None
    X_test, y_test
        See `collect_facts`.

    Returns
    -------
    report : Report
    """
    facts = collect_facts(model, X_test, y_test)
    report = Report(facts, _page.render(facts))
    return report if path is None else report.save(path)


def write_whole(path, text):
    """Write a text file beside its place, and move it there when it is complete.

    Parameters
    ----------
    path : path-like
    text : str
    """
    path = os.fspath(path)
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise
