"""The numbers and texts of a report, without their form."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.inspection._fit_record import FitRecord
from sklearn_meta.inspection._plot import learner_of
from sklearn_meta.inspection.report._metric import Metric


@dataclass(frozen=True)
class HeldOutScore:
    """Score of the rows that were passed to the report.

    Parameters
    ----------
    n_rows : int
    score : float
        By the scorer of the model, of which greater is better; NaN if undefined.
    interval : tuple of (float, float)
        95 % interval of the bootstrap over the rows; NaN if there is none.
    constant : float
        Score of the constant guess that was chosen in ``fit``; NaN if not known.
    n_unseen : int
        Rows of classes that ``fit`` has not seen, which are left out.
    note : str
        Why there is no score or no interval; usually empty.
    """

    n_rows: int
    score: float
    interval: tuple[float, float]
    constant: float
    n_unseen: int = 0
    note: str = ""


@dataclass(frozen=True)
class Scores:
    """All scores of the model; greater is better.

    Parameters
    ----------
    metric : Metric
    best : float
        ``best_score_``.
    honest : float
        ``honest_score_``; NaN if there is none.
    interval : tuple of (float, float)
        ``honest_interval_``.
    note : str
        ``honest_note_``.
    constant : float
        Score of the best constant guess; NaN if it is not known.
    test : HeldOutScore or None
    """

    metric: Metric
    best: float
    honest: float
    interval: tuple[float, float]
    note: str
    constant: float
    test: HeldOutScore | None = None


@dataclass(frozen=True)
class Curve:
    """A ROC curve."""

    name: str
    false_positive: np.ndarray = field(repr=False)
    true_positive: np.ndarray = field(repr=False)
    area: float


@dataclass(frozen=True)
class Reliability:
    """Predicted probabilities and observed shares, in bins of equally many rows."""

    predicted: np.ndarray = field(repr=False)
    observed: np.ndarray = field(repr=False)
    error: float


@dataclass(frozen=True)
class ClassQuality:
    """How rows are classified that the predicting models were not fitted on.

    Parameters
    ----------
    names : tuple of str
        Names of the classes.
    confusion : ndarray of int of shape (n_classes, n_classes)
        Rows of each true class (rows) by the predicted class (columns).
    curves : tuple of Curve
        ROC curves; empty for many classes.
    reliability : Reliability or None
        None with too few rows.
    """

    names: tuple[str, ...]
    confusion: np.ndarray = field(repr=False)
    curves: tuple[Curve, ...] = ()
    reliability: Reliability | None = None

    @property
    def accuracy(self) -> float:
        """Share of rows whose class is right."""
        return float(np.trace(self.confusion) / max(self.confusion.sum(), 1))

    @property
    def accuracy_of_guess(self) -> float:
        """Share of rows of the most frequent class."""
        return float(self.confusion.sum(axis=1).max() / max(self.confusion.sum(), 1))

    @property
    def recall(self) -> np.ndarray:
        """Share of the rows of each class that is found."""
        rows = self.confusion.sum(axis=1)
        return np.where(rows > 0, np.diag(self.confusion) / np.maximum(rows, 1), np.nan)

    @property
    def precision(self) -> np.ndarray:
        """Share of right rows among those that get a class."""
        rows = self.confusion.sum(axis=0)
        return np.where(rows > 0, np.diag(self.confusion) / np.maximum(rows, 1), np.nan)


@dataclass(frozen=True)
class LabelQuality:
    """How one of several labels is predicted."""

    name: str
    share: float
    accuracy: float
    area: float


@dataclass(frozen=True)
class NumberQuality:
    """How a number is predicted.

    Parameters
    ----------
    name : str
        Name of the target, if there are several.
    spread : float
        Standard deviation of the target.
    rmse, mae, median_error, r2 : float
    within : tuple of (float, float)
        5 % and 95 % quantile of the residuals.
    true, predicted : ndarray
        Some of the rows, for a figure.
    """

    name: str
    spread: float
    rmse: float
    mae: float
    median_error: float
    r2: float
    within: tuple[float, float]
    true: np.ndarray = field(repr=False)
    predicted: np.ndarray = field(repr=False)


@dataclass(frozen=True)
class Quality:
    """Predictions of rows that the predicting models were not fitted on.

    Parameters
    ----------
    rows : {"out-of-fold", "test"}
        Which rows these are.
    n_rows : int
    of_classes : ClassQuality or None
    of_labels : tuple of LabelQuality
    of_numbers : tuple of NumberQuality
    """

    rows: str
    n_rows: int
    of_classes: ClassQuality | None = None
    of_labels: tuple[LabelQuality, ...] = ()
    of_numbers: tuple[NumberQuality, ...] = ()


@dataclass(frozen=True)
class ColumnFacts:
    """How a column was read, without a value of it."""

    name: str
    kind: str
    reason: str
    levels: int | None
    missing: int | None
    encoded_as: str

    @property
    def is_left_out(self) -> bool:
        """Whether the model does not use the column."""
        return self.encoded_as == "left out"


@dataclass(frozen=True)
class Suspect:
    """A column that determines a target alone, see `SingleColumn`."""

    column: str
    target: str
    share: float


@dataclass(frozen=True)
class Importance:
    """Loss of score when columns are permuted, the largest first.

    Parameters
    ----------
    names : tuple of str
    means, deviations : tuple of float
    n_rows, n_repeats : int
    metric : str
        Name of the score.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    n_rows: int
    n_repeats: int
    metric: str


@dataclass(frozen=True)
class Neighbor:
    """A similar table of the knowledge base, and what became of its pipelines."""

    name: str
    distance: float
    weight: float
    alike: tuple[str, ...]
    n_pipelines: int
    n_tried: int
    best_rank: int | None


@dataclass(frozen=True)
class Search:
    """How the model was found.

    Parameters
    ----------
    is_search : bool
        Whether there was a search at all.
    n_evaluations, n_folds : int
    statuses, origins : tuple of (str, int)
        How often each occurs, the most frequent first.
    curve : tuple of (int, float, str)
        Number, score and origin of each finished evaluation.
    stop_reason : str
    seconds : float
        Of the whole fit.
    n_workers : int
    neighbors : tuple of Neighbor
    note : str
        ``recall_note_``.
    """

    is_search: bool
    n_evaluations: int
    n_folds: int
    statuses: tuple[tuple[str, int], ...]
    origins: tuple[tuple[str, int], ...]
    curve: tuple[tuple[int, float, str], ...] = field(repr=False)
    stop_reason: str
    seconds: float
    n_workers: int
    neighbors: tuple[Neighbor, ...]
    note: str


@dataclass(frozen=True)
class Member:
    """A member of the final model."""

    number: int
    share: float
    score: float
    standard_error: float
    fit_seconds: float
    pipeline: str
    is_of_folds: bool

    @property
    def learner(self) -> str:
        """Learner of the pipeline, in words."""
        return learner_of(self.pipeline)


@dataclass(frozen=True)
class Inside:
    """What the final model consists of.

    Parameters
    ----------
    kind : {"single", "average", "stack", "constant"}
    members : tuple of Member
        The largest share first.
    source : str
        Python source of the best pipeline, without the encoder of the columns; empty
        for a constant.
    has_encoder : bool
        Whether the source lacks an encoder.
    threshold : float or None
        Tuned threshold of two classes; None if the most probable class is predicted.
    is_tuned : bool
        Whether decisions between classes are tuned.
    """

    kind: str
    members: tuple[Member, ...]
    source: str
    has_encoder: bool
    threshold: float | None = None
    is_tuned: bool = False

    @property
    def words(self) -> str:
        """What it is, in words."""
        n = len(self.members)
        return {
            "constant": "a constant",
            "single": "a single pipeline",
            "average": f"the weighted average of {n} pipelines",
            "stack": f"a stack of {n} pipelines",
        }[self.kind]


@dataclass(frozen=True)
class Speed:
    """Measured when the report was made; None where it could not be.

    Parameters
    ----------
    one_row, thousand_rows : float or None
        Seconds of ``predict``, from the table to the prediction.
    n_bytes : int or None
        Size of the pickled model.
    is_made_up : bool
        Whether the row was made up, because no rows were passed.
    limit_ms, limit_megabytes : float or None
        Limits that the user has asked for.
    """

    one_row: float | None
    thousand_rows: float | None
    n_bytes: int | None
    is_made_up: bool
    limit_ms: float | None = None
    limit_megabytes: float | None = None


@dataclass(frozen=True)
class Repeat:
    """What is needed to fit the model again.

    Parameters
    ----------
    versions : tuple of (str, str)
    parameters : tuple of (str, str)
        Those that are not at their default.
    seed : str
        ``random_state``; empty if it is None.
    is_counted : bool
        Whether `max_evaluations` ends the search.
    when : str
        Day and time of the report.
    """

    versions: tuple[tuple[str, str], ...]
    parameters: tuple[tuple[str, str], ...]
    seed: str
    is_counted: bool
    when: str


@dataclass(frozen=True)
class Watch:
    """Something to watch out for.

    Parameters
    ----------
    title : str
    text : str
        What it means, and what to do.
    is_serious : bool
        Whether numbers of the report may mislead without it.
    """

    title: str
    text: str
    is_serious: bool = False


@dataclass(frozen=True)
class Facts:
    """All numbers and texts of a report.

    Parameters
    ----------
    name : str
        Class of the estimator.
    record : FitRecord
    classes : tuple of str
        Names of the classes; empty for numbers and labels.
    targets : tuple of str
        Names of the targets or labels, or their positions.
    scores : Scores
    quality : Quality or None
    columns : tuple of ColumnFacts
    suspects : tuple of Suspect
    importance : Importance or None
    search : Search
    inside : Inside
    speed : Speed
    repeat : Repeat
    summary : tuple of str
        Sentences of the section "In short".
    watches : tuple of Watch
        Serious ones first.
    """

    name: str
    record: FitRecord
    classes: tuple[str, ...]
    targets: tuple[str, ...]
    scores: Scores
    quality: Quality | None
    columns: tuple[ColumnFacts, ...]
    suspects: tuple[Suspect, ...]
    importance: Importance | None
    search: Search
    inside: Inside
    speed: Speed
    repeat: Repeat
    summary: tuple[str, ...] = ()
    watches: tuple[Watch, ...] = ()

    @property
    def title(self) -> str:
        """What is predicted."""
        names = self.record.target_names
        if len(names) == 1:
            return f"Prediction of “{names[0]}”"
        if self.record.task == "classes":
            return f"Classification into {len(self.classes)} classes"
        n = len(self.targets)
        if self.record.task == "labels":
            return f"Classification with {n} labels"
        return "Prediction of a number" if n == 1 else f"Prediction of {n} numbers"

    def summary_lines(self) -> list[str]:
        """Return the sentences of "In short" as plain text.

        Returns
        -------
        lines : list of str
        """
        return list(self.summary)

    def watch_lines(self) -> list[str]:
        """Return what to watch out for as plain text, serious things first.

        Returns
        -------
        lines : list of str
            One for each, such as ``"Rare classes: ..."``.
        """
        return [f"{watch.title}: {watch.text}" for watch in self.watches]
