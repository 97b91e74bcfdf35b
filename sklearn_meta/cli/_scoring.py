"""Names of metrics: the default of a task, and a check before the search."""

from __future__ import annotations

from sklearn_meta.cli._errors import UsageError, hint

DEFAULT_SCORING = {
    "classification": "neg_log_loss",
    "regression": "neg_root_mean_squared_error",
}


def scoring_name(given, task) -> str:
    """Return the name of the metric.

    Parameters
    ----------
    given : str or None
        None for the default of the task.
    task : {"classification", "regression"}

    Returns
    -------
    name : str

    Raises
    ------
    UsageError
        If scikit-learn has no such scorer.
    """
    from sklearn.metrics import get_scorer_names

    if given is None:
        return DEFAULT_SCORING[task]
    names = get_scorer_names()
    if given not in names:
        others = hint(given, names) or f"; there are {', '.join(names)}"
        raise UsageError(f"no scorer {given!r} in scikit-learn{others}")
    return given
