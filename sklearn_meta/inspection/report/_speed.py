"""Section "Speed and size", measured when the report is made."""

from __future__ import annotations

import pickle
import time

import numpy as np

from sklearn_meta._sklearn_compat import _safe_indexing
from sklearn_meta.inspection.report._facts import Speed
from sklearn_meta.inspection.report._html import paragraph, section, table
from sklearn_meta.inspection.report._made_up_row import made_up_row
from sklearn_meta.inspection.report._metric import number, seconds, size

# Repetitions of one row, and the seconds after which no further one is begun.
N_TIMES, MAX_SECONDS = 7, 1.0

THOUSAND = 1_000


def measure(model, X=None) -> Speed:
    """Measure the seconds of ``predict`` and the size of the pickled model.

    Parameters
    ----------
    model : fitted estimator
    X : table of shape (n_samples, n_features), default=None
        Rows to predict; one is made up if there are none.

    Returns
    -------
    speed : Speed
    """
    thousand = None
    row = made_up_row(model) if X is None else _safe_indexing(X, np.arange(1))
    if X is not None:
        n = X.shape[0] if hasattr(X, "shape") else len(X)
        many = _safe_indexing(X, np.resize(np.arange(n), THOUSAND))
        thousand = _fastest(model, many, 1)
    return Speed(
        one_row=None if row is None else _fastest(model, row, N_TIMES),
        thousand_rows=thousand,
        n_bytes=_pickled_bytes(model),
        is_made_up=X is None,
        limit_ms=getattr(model, "max_predict_ms", None),
        limit_megabytes=getattr(model, "max_megabytes", None),
    )


def render(facts):
    """Return the section as HTML."""
    speed, rows = facts.speed, []
    if speed.one_row is not None:
        made_up = " (made up, as no rows were passed)" if speed.is_made_up else ""
        rows.append((f"predict one row{made_up}", seconds(speed.one_row)))
    if speed.thousand_rows is not None:
        each = seconds(speed.thousand_rows / THOUSAND)
        rows.append(
            ("predict 1 000 rows", f"{seconds(speed.thousand_rows)} ({each} a row)")
        )
    rows.append(("size of the pickled model", size(speed.n_bytes)))
    if speed.limit_ms is not None:
        rows.append(("asked for: one row", f"{number(speed.limit_ms)} ms"))
    if speed.limit_megabytes is not None:
        rows.append(("asked for: size", f"{number(speed.limit_megabytes)} MB"))
    rows.append(("fit", seconds(facts.search.seconds)))
    return section(
        "speed-and-size",
        "Speed and size",
        table(("", "measured"), rows, numbers={1}),
        paragraph(
            "Seconds from the table to the prediction, on the machine that has made "
            "this report; pass X_test to measure a thousand rows."
            if speed.thousand_rows is None
            else "Seconds from the table to the prediction, on the machine that has "
            "made this report."
        ),
    )


def _fastest(model, X, n_times):
    """Return the median seconds of predictions, after one that is not counted."""
    try:
        model.predict(X)
        taken: list[float] = []
        while len(taken) < n_times and sum(taken) < MAX_SECONDS:
            start = time.perf_counter()
            model.predict(X)
            taken.append(time.perf_counter() - start)
    except (TypeError, ValueError):
        # A made-up row may be none that the encoder takes.
        return None
    return float(np.median(taken))


class _Counter:
    """A file that counts the bytes that are written to it."""

    def __init__(self):
        self.n_bytes = 0

    def write(self, data):
        # Large arrays come as buffers without a length.
        self.n_bytes += memoryview(data).nbytes


def _pickled_bytes(model):
    """Return the size of a pickle; None if the model cannot be pickled."""
    counter = _Counter()
    try:
        pickle.Pickler(counter, protocol=5).dump(model)
    except (AttributeError, TypeError, pickle.PicklingError):
        # Such as a scorer that was defined in a notebook's function.
        return None
    return counter.n_bytes
