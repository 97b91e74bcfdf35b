"""Limits of the computational effort of a cross-validation and of one candidate."""

from __future__ import annotations

from dataclasses import dataclass

# All folds of a candidate together may take the largest of: a constant number of
# seconds; seconds per row; seconds per row beyond some dozens of rows; a share of the
# budget. The third is so large that ten folds of bagged networks, the best single
# learner on most tables, are allowed: they take five seconds on two hundred rows.
SECONDS, SECONDS_PER_ROW, SHARE_OF_BUDGET = 0.3, 0.01, 0.005
DOZENS_OF_ROWS, SECONDS_PER_FURTHER_ROW = 40, 0.04

# With a holdout, the number of training rows is chosen such that a fit of the usual
# pipeline takes at most this share of the budget, but is at least the second value.
SHARE_OF_A_USUAL_FIT, MIN_HOLDOUT_TRAIN = 1 / 40, 20_000
# A holdout replaces the folds of a table with at least `MIN_HOLDOUT_SAMPLES` rows if
# the fits of the usual pipeline in `FEW_FOLDS` folds would take more than this share of
# the budget. With a budget of 10 s, this improved ten of thirteen such tables.
FEW_FOLDS, SHARE_OF_FEW_FOLDS, MIN_HOLDOUT_SAMPLES = 3, 1 / 15, 2_500


@dataclass(frozen=True)
class Effort:
    """Limits of the computational effort of the default cross-validation.

    Parameters
    ----------
    max_repeats : int, default=2
        Maximum number of repetitions of the folds of a small table.
    max_folds : int, default=5
        Maximum number of folds; 1 for a holdout.
    max_train : int or None, default=None
        Maximum number of training rows of a holdout; None for all rows that are not in
        the validation part.
    """

    max_repeats: int = 2
    max_folds: int = 5
    max_train: int | None = None


# Effort without time pressure.
FULL_EFFORT = Effort()


def worthwhile_seconds(n_samples, budget_seconds) -> float:
    """Return the seconds that all folds of one candidate may take.

    Parameters
    ----------
    n_samples : int
    budget_seconds : float
        Budget of the whole `fit`.

    Returns
    -------
    seconds : float
    """
    return max(
        SECONDS,
        SECONDS_PER_ROW * n_samples,
        SECONDS_PER_FURTHER_ROW * (n_samples - DOZENS_OF_ROWS),
        SHARE_OF_BUDGET * budget_seconds,
    )


def usual_seconds(budget_seconds) -> float:
    """Return the seconds that a fit of the usual pipeline may take with a holdout.

    Parameters
    ----------
    budget_seconds : float
        Budget of the whole `fit`.

    Returns
    -------
    seconds : float
    """
    return SHARE_OF_A_USUAL_FIT * budget_seconds


def seconds_for_folds(budget_seconds) -> float:
    """Return the seconds that fits of the usual pipeline in few folds may take.

    Parameters
    ----------
    budget_seconds : float
        Budget of the whole `fit`.

    Returns
    -------
    seconds : float
        Of `FEW_FOLDS` fits together.
    """
    return SHARE_OF_FEW_FOLDS * budget_seconds
