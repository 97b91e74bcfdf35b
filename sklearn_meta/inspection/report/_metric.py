"""Names of metrics in words, and numbers with as many digits as they deserve."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Words for scorers of scikit-learn whose names say little.
_WORDS = {
    "neg_log_loss": "log loss",
    "neg_binary_log_loss": "mean log loss of the labels",
    "neg_root_mean_squared_error": "root mean squared error (RMSE)",
    "neg_mean_squared_error": "mean squared error (MSE)",
    "neg_mean_absolute_error": "mean absolute error (MAE)",
    "neg_brier_score": "Brier score",
    "r2": "R²",
    "roc_auc": "area under the ROC curve (AUC)",
    "f1": "F1 score",
}

# Beginnings of the names of scorers with a best value of 1.
_UP_TO_ONE = (
    "accuracy", "balanced_accuracy", "average_precision", "f1", "precision", "recall",
    "roc_auc", "jaccard", "r2", "explained_variance", "matthews", "d2_",
)  # fmt: skip

# Scorers of regression in the unit of the target.
_IN_UNITS = (
    "neg_root_mean_squared_error",
    "neg_mean_absolute_error",
    "neg_median_absolute_error",
    "neg_max_error",
)


@dataclass(frozen=True)
class Metric:
    """A metric, by the name of its scorer.

    Parameters
    ----------
    name : str
        Name of the scorer, see `FitRecord`.
    """

    name: str

    @property
    def is_loss(self) -> bool:
        """Whether smaller values are better, in the form in which they are shown."""
        return self.name.startswith("neg_")

    @property
    def words(self) -> str:
        """Name in words."""
        if self.name in _WORDS:
            return _WORDS[self.name]
        return self.name.removeprefix("neg_").replace("_", " ")

    @property
    def direction(self) -> str:
        """Which values are better."""
        return "smaller is better" if self.is_loss else "larger is better"

    @property
    def best(self) -> float:
        """Value of perfect predictions, as it is shown; NaN if it is not known."""
        if self.is_loss:
            return 0.0
        return 1.0 if self.name.startswith(_UP_TO_ONE) else math.nan

    @property
    def is_in_units(self) -> bool:
        """Whether the values have the unit of the target."""
        return self.name in _IN_UNITS

    def shown(self, score: float) -> float:
        """Return a score, of which greater is better, as it is shown."""
        return -score + 0.0 if self.is_loss else score

    def gain(self, score, constant) -> float:
        """Return the share of the way from a constant guess to perfect predictions."""
        score, constant = self.shown(score), self.shown(constant)
        if not all(map(math.isfinite, (score, constant, self.best))):
            return math.nan
        distance = self.best - constant
        return (score - constant) / distance if abs(distance) > 1e-12 else math.nan


def number(value, digits=3) -> str:
    """Return a number with some significant digits, without an exponent if possible."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    if size >= 9 or size < -5:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    text = f"{round(value, digits - 1 - size):,.{max(digits - 1 - size, 0)}f}"
    return text.replace(",", "\u202f").replace("-", "−")


def fixed(value) -> str:
    """Return a number with two decimals."""
    if not math.isfinite(value):
        return "–"
    return f"{value + 0.0:.2f}".replace("-", "−")


def percent(share) -> str:
    """Return a share in percent; never 100 % of what is not all."""
    if share is None or not math.isfinite(share):
        return "–"
    for decimals in (0, 1, 2) if abs(share) < 0.995 else (1, 2):
        text = f"{100 * share:.{decimals}f}"
        if float(text) not in (0.0, 100.0) or share in (0.0, 1.0):
            break
    if share == 1:
        text = "100"
    return f"{text.replace('-', '−')} %"


def count(n, one, many=None) -> str:
    """Return a number of things."""
    return f"{n:,} {one if n == 1 else many or one + 's'}".replace(",", "\u202f")


def seconds(value) -> str:
    """Return a time in the unit that fits it."""
    if value is None or not math.isfinite(value):
        return "–"
    if value < 0.0995:
        return f"{number(1000 * value, 2)} ms"
    if value < 120:
        return f"{number(value, 3 if value >= 100 else 2)} s"
    if value < 7200:
        return f"{number(value / 60, 2)} min"
    return f"{number(value / 3600, 2)} h"


def size(n_bytes) -> str:
    """Return a size in the unit that fits it."""
    if n_bytes is None:
        return "–"
    if n_bytes < 1_000_000:
        return f"{number(n_bytes / 1e3, 2)} kB"
    return f"{number(n_bytes / 1e6, 2)} MB"


def a(words) -> str:
    """Return words after an indefinite article."""
    return f"{'an' if words[:1] in 'aeio' else 'a'} {words}"


def listed(names, most=8) -> str:
    """Return names as a sentence part, the first ones if there are many."""
    names = [str(name) for name in names]
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def short(text, width=40) -> str:
    """Return a text in one line of limited width."""
    text = " ".join(str(text).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"
