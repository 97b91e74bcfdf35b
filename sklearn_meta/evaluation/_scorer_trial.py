"""Trial of a scorer: on made-up predictions, before anything is fitted.

What a scorer cannot do on a target (F1 of string labels without a positive one, the
logarithm of negative targets) is said before the search. A scorer may fail on one kind
of predictions only, as a correlation does on constant ones: several kinds are tried,
and one on which it is defined is enough.
"""

from __future__ import annotations

import time

import cloudpickle
import numpy as np
from sklearn.metrics import get_scorer_names

from sklearn_meta._sklearn_compat import InvalidParameterError, metric_of_scorer
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.evaluation._cross_validation import subsample
from sklearn_meta.evaluation._scoring import FastScoring

# Number of rows of the first trial; all rows are tried if the score is undefined there.
TRIAL_ROWS = 1_000

# Shares of the truth and of a random permutation of it in the kinds of predictions, in
# the order in which they are tried; the mean has the rest. Mixtures stay within the
# range of the target, and predict every class.
KINDS = ((0.6, 0.3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0))

# Seconds after which no further kind is tried, and the number of kinds that are tried
# however long they take: before the search, and on a fold where a scorer has failed.
TRIAL_SECONDS, TRIAL_KINDS = 2.0, 2
FOLD_SECONDS, FOLD_KINDS = 0.5, 1

# Scorers that treat several labels as the classes of one-hot rows, and at most warn
# that the probabilities do not sum to one. Their log loss is then best for a prediction
# that gives every label to every row.
CLASSES_ONLY = (
    "neg_log_loss",
    "d2_log_loss_score",
    "neg_brier_score",
    "d2_brier_score",
)


def trial_predictions(y, task):
    """Yield predictions of a target: mostly true, perfect, permuted and constant ones.

    Parameters
    ----------
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Encoded target.
    task : Task

    Yields
    ------
    predictions : ndarray
        As of `Task.predict`.
    """
    truth = np.eye(task.n_classes)[y] if task.stratifies else y.astype(np.float64)
    permuted = truth[np.random.default_rng(0).permutation(len(truth))]
    mean = truth.mean(axis=0)
    for of_truth, of_permuted in KINDS:
        rest = 1 - of_truth - of_permuted
        yield of_truth * truth + of_permuted * permuted + rest * mean


def is_defined(context, rows) -> bool:
    """Whether the score of some rows is defined for any trial predictions.

    Parameters
    ----------
    context : EvaluationContext
    rows : ndarray of int

    Returns
    -------
    is_defined : bool
    """
    return _fault(context, rows, FOLD_SECONDS, FOLD_KINDS) is None


def try_scorer(context) -> float:
    """Check before the search that the scorer can be computed on the target.

    Parameters
    ----------
    context : EvaluationContext
        Its stages are not used.

    Returns
    -------
    seconds : float
        Seconds of one call; zero for metrics that are built in.

    Raises
    ------
    InvalidParameterError
        If the score is undefined for all kinds of predictions. The message has the
        reason and a way out.
    """
    scoring, dataset = context.scoring, context.dataset
    task = dataset.task
    if isinstance(scoring, FastScoring):
        return 0.0
    if task.n_outputs > 1 and task.is_classifier and scoring.name in CLASSES_ONLY:
        raise InvalidParameterError(
            f"The 'scoring' parameter must be a metric of several labels. Got "
            f"{scoring.name!r}, which treats the labels as classes whose probabilities "
            "sum to one. Pass None for the mean log loss of the labels."
        )
    everything = np.arange(dataset.n_samples)
    rows = subsample(dataset, everything, TRIAL_ROWS, np.random.default_rng(0))
    began = time.perf_counter()
    fault = _fault(context, rows, TRIAL_SECONDS, TRIAL_KINDS)
    seconds = time.perf_counter() - began
    if fault is not None and len(rows) < len(everything) and seconds < TRIAL_SECONDS:
        fault = _fault(context, everything, TRIAL_SECONDS, TRIAL_KINDS)
    if fault is None:
        return seconds
    reason = f"{type(fault).__name__}: {fault}".rstrip(".")
    raise InvalidParameterError(
        "The 'scoring' parameter must be a metric that is defined for this target, for "
        f"some predictions at least. Got {scoring.name!r}, which raises {reason}. "
        f"{way_out(scoring, task, str(fault))}"
    ) from fault


def check_pickles(context):
    """Check that all that a user has passed can be sent to worker processes.

    Parameters
    ----------
    context : EvaluationContext

    Raises
    ------
    InvalidParameterError
        If something cannot be pickled: the scorer, an operator of the search space,
        metadata or the table. The message names the parameter and has the reason.
    """
    for parameter, expected, got, value, advice in _sent_to_workers(context):
        try:
            cloudpickle.dumps(value, protocol=5)
        except Exception as error:
            raise InvalidParameterError(
                f"The {parameter!r} parameter must be {expected} that can be pickled, "
                f"because it is sent to worker processes. Got {got}, which raises "
                f"{type(error).__name__}: {error}. {advice}"
            ) from error


def _sent_to_workers(context):
    """Yield what a user has passed: parameter, what it is, name, value and advice."""
    scoring, dataset = context.scoring, context.dataset
    yield (
        "scoring",
        "a scorer",
        repr(getattr(scoring, "name", scoring)),
        scoring,
        "Let the scorer open files, locks and connections when it is called instead of "
        "holding them.",
    )
    for operator in context.catalog or ():
        yield (
            "search_space",
            "made of operators",
            f"the operator {operator.name!r}",
            operator,
            "Let 'build', fixed arguments and choices of hyperparameters hold no "
            "files, locks and connections.",
        )
    for name, value in dataset.metadata.items():
        yield name, "metadata", f"a {type(value).__name__}", value, "Pass an array."
    given = f"a table with {dataset.n_samples} rows"
    advice = "Replace cells that hold files, locks or connections."
    yield "X", "a table", given, (dataset.X, context.given), advice


def _fault(context, rows, seconds, n_kinds):
    """Return the first exception of the scorer; None if a score is defined."""
    first, began = None, time.perf_counter()
    task, y = context.dataset.task, context.dataset.y[rows]
    for i, predictions in enumerate(trial_predictions(y, task)):
        if i >= n_kinds and time.perf_counter() - began > seconds:
            break
        try:
            with ignored_warnings():
                score = context.score(predictions, rows, _constant(predictions))
            if np.isfinite(score):
                return None
            raise ValueError(f"The score is {score}.")
        except (Exception, SystemExit) as exception:
            first = first or exception
    return first


def _constant(predictions):
    """Return a model that predicts the mean of predictions for other rows."""
    mean = predictions.mean(axis=0)
    return lambda encoded: np.broadcast_to(mean, (encoded.shape[0], *mean.shape))


def way_out(scoring, task, message) -> str:
    """Return a sentence that says what to pass instead of a scorer that failed.

    Parameters
    ----------
    scoring : ScorerScoring
    task : Task
    message : str
        Of the exception that the scorer raised.

    Returns
    -------
    sentence : str
    """
    function, _, _ = metric_of_scorer(scoring.scorer)
    metric, names = getattr(function, "__name__", None), get_scorer_names()
    if task.n_outputs > 1:
        usual = "f1_micro" if task.is_classifier else "r2"
        return f"Pass a scorer that takes several outputs, such as {usual!r}."
    if "pos_label" in message and task.n_classes == 2:
        positive = task.classes.tolist()[-1]
        return (
            "Name the positive class: pass "
            f"make_scorer({metric or 'metric'}, pos_label={positive!r}), with the "
            "other arguments that the scorer needs."
        )
    if "multi_class" in message:
        return f"Average over the classes: pass scoring='{scoring.name}_ovr'."
    if "average" in message and task.n_classes > 2:
        macro = f"{scoring.name}_macro"
        way = f"scoring={macro!r} or " if macro in names else ""
        return (
            f"Choose an average over the classes: pass {way}"
            f"make_scorer({metric or 'metric'}, average='macro'), with the other "
            "arguments that the scorer needs."
        )
    if any(word in message for word in ("negative", "positive", "less than")):
        return (
            "Shift or transform the target, or pass a metric that is defined for all "
            f"numbers, such as {task.default_scoring!r}."
        )
    return (
        "Correct the scorer, or pass the name of another one: "
        "sklearn.metrics.get_scorer_names() lists them."
    )
