"""What a cross-validation, and one candidate in it, may cost."""

from __future__ import annotations

from dataclasses import dataclass

# All folds of one candidate may take this many seconds, or this many for each row, or
# this share of a long budget. Beyond some dozens of rows each one is worth more: ten
# folds of bagged networks, the best single learner on most tables, take five seconds on
# two hundred rows.
SECONDS, SECONDS_PER_ROW, SHARE_OF_BUDGET = 0.3, 0.01, 0.005
DOZENS_OF_ROWS, SECONDS_PER_FURTHER_ROW = 40, 0.04

# A usual fit beside a holdout part may take this share of the budget, but has so many
# rows at least.
SHARE_OF_A_USUAL_FIT, MIN_HOLDOUT_TRAIN = 1 / 40, 20_000
# There is a holdout part in place of folds, above this number of rows, if that many
# folds of a usual fit would take more than this share of the budget: in 10 s, ten of
# thirteen such tables became better by it.
FEW_FOLDS, SHARE_OF_FEW_FOLDS, MIN_HOLDOUT_SAMPLES = 3, 1 / 15, 2_500


@dataclass(frozen=True)
class Effort:
    """What a cross-validation of the default kind may cost.

    Parameters
    ----------
    max_repeats : int, default=2
        Maximum number of repetitions of the split of a small table.
    max_folds : int, default=5
        Maximum number of folds; 1 for a holdout part in place of folds.
    max_train : int or None, default=None
        Maximum number of training rows beside a holdout part; None for all that are
        left.
    """

    max_repeats: int = 2
    max_folds: int = 5
    max_train: int | None = None


# What fits on all rows of a table of usual size may cost.
FULL_EFFORT = Effort()


def worthwhile_seconds(n_samples, budget_seconds) -> float:
    """Return the seconds that all folds of one candidate are worth."""
    return max(
        SECONDS,
        SECONDS_PER_ROW * n_samples,
        SECONDS_PER_FURTHER_ROW * (n_samples - DOZENS_OF_ROWS),
        SHARE_OF_BUDGET * budget_seconds,
    )


def usual_seconds(budget_seconds) -> float:
    """Return the seconds that a usual fit beside a holdout part may take."""
    return SHARE_OF_A_USUAL_FIT * budget_seconds


def seconds_for_folds(budget_seconds) -> float:
    """Return the seconds that a usual fit in each of few folds may take together."""
    return SHARE_OF_FEW_FOLDS * budget_seconds
