"""How long a search is worth its time, by the size of the table.

On few rows, the scores of candidates differ by less than their noise: a longer search
only finds luckier ones. On few columns, there is little to find.
"""

from __future__ import annotations

# Without a gain in so many evaluations, the search ends: a quarter of the rows, less on
# few columns, whose pairs are fewer still. Replayed on searches of twelve tables of 90
# to 600 rows: between a fifth and a half of the rows, the test loss of eleven hardly
# changes (geometric mean within 1 %); one falls to nothing above a fifth.
MIN_PATIENCE, MAX_PATIENCE = 12, 250
ROWS_PER_PATIENCE, MANY_COLUMNS = 4, 8

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


def patience(n_samples, n_features) -> int:
    """Return the number of evaluations without a gain after which a search ends."""
    columns = min(n_features / MANY_COLUMNS, 1.0)
    n = int(n_samples / ROWS_PER_PATIENCE * columns**2)
    return min(max(n, MIN_PATIENCE), MAX_PATIENCE)


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
