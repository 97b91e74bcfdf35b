"""Collect the facts of a report from a fitted estimator."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
from sklearn.metrics import get_scorer_names

from sklearn_meta._sklearn_compat import _num_samples, _safe_indexing
from sklearn_meta._warnings import ignored_warnings
from sklearn_meta.data._column_report import column_rows
from sklearn_meta.ensemble._source import source_of
from sklearn_meta.evaluation._records import Status
from sklearn_meta.evaluation._scoring import ScorerScoring, make_scoring
from sklearn_meta.inspection._importance_display import ImportanceDisplay
from sklearn_meta.inspection.report import (
    _in_short,
    _repeat,
    _speed,
    _watch_out,
)
from sklearn_meta.inspection.report._facts import (
    ColumnFacts,
    Facts,
    HeldOutScore,
    Importance,
    Inside,
    Member,
    Neighbor,
    Quality,
    Scores,
    Search,
    Suspect,
)
from sklearn_meta.inspection.report._held_out_score import (
    UNDEFINED,
    score_of_rows,
    score_of_table,
)
from sklearn_meta.inspection.report._metric import Metric
from sklearn_meta.inspection.report._predicted import (
    of_table,
    out_of_fold,
    task_of,
)
from sklearn_meta.inspection.report._quality import quality_of

# Rows and repetitions of the permutation importance, and seconds after which no other
# column is permuted.
MAX_ROWS, N_REPEATS, IMPORTANCE_SECONDS = 1_000, 3, 20.0

# Reasons for the kind of a column that are shown as they are; others may quote a cell.
_SAFE_REASONS = (
    "by column_kinds", "hardly any value", "no other column", "no value",
    "a single value", "sparse matrix", "strings that recur", "type of the table",
)  # fmt: skip
_REASONS_IN_SHORT = (
    "type of the column", "dates written as strings", "durations written as strings",
)  # fmt: skip


def collect_facts(model, X_test=None, y_test=None) -> Facts:
    """Collect the facts of a report.

    Parameters
    ----------
    model : fitted MetaAutoClassifier or MetaAutoRegressor
    X_test : table of shape (n_samples, n_features), default=None
        Rows that the model has not seen.
    y_test : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Their target; None to measure the speed only.

    Returns
    -------
    facts : Facts
        Its methods `summary_lines` and `watch_lines` are text for a terminal.

    Raises
    ------
    ValueError
        If `y_test` is passed without `X_test`, or does not fit to it or to the model.
    """
    if X_test is None and y_test is not None:
        raise ValueError("y_test was passed without X_test. Pass the rows as well.")
    record = model._fit_record
    classes, targets = _names(model)
    quality, test = _quality_and_test(model, X_test, y_test, classes or targets)
    inside = _inside(model)
    pipelines = [member.pipeline for member in inside.members]
    facts = Facts(
        name=type(model).__name__,
        record=record,
        classes=classes,
        targets=targets,
        scores=_scores(model, test),
        quality=quality,
        columns=_columns(model),
        suspects=_suspects(model, targets),
        importance=_importance(model, X_test, y_test),
        search=_search(model),
        inside=inside,
        speed=_speed.measure(model, X_test),
        repeat=_repeat.describe(model, pipelines),
    )
    facts = replace(facts, watches=_watch_out.find_watches(facts))
    return replace(facts, summary=_in_short.sentences(facts))


def _names(model):
    """Return the names of the classes, and those of the targets or labels."""
    record = model._fit_record
    if record.task == "classes":
        return tuple(str(c) for c in model.classes_), record.target_names
    n = len(record.counts) or len(record.spread)
    if len(record.target_names) == n:
        return (), record.target_names
    kind = "label" if record.task == "labels" else "target"
    return (), tuple(f"{kind} {i}" for i in range(n))


def _quality_and_test(model, X, y, names) -> tuple[Quality | None, HeldOutScore | None]:
    """Return the quality of out-of-fold or test predictions, and the test score."""
    kind, known, test = model._fit_record.task, out_of_fold(model), None
    rows, predicted = "out-of-fold", known
    if y is not None:
        scoring = make_scoring(model.scoring, task_of(model))
        held_back, rows_known = of_table(model, X, y)
        if isinstance(scoring, ScorerScoring) and scoring.reads_table:
            test = score_of_table(model, scoring, X, y)
        else:
            n_unseen = _num_samples(y) - len(rows_known)
            test = score_of_rows(model, scoring, held_back, n_unseen)
        if known is None:
            rows, predicted = "test", held_back
    if predicted is None:
        return None, test
    return quality_of(predicted, rows, kind, names), test


def _scores(model, test):
    """Return all scores."""
    interval = getattr(model, "honest_interval_", None)
    return Scores(
        metric=Metric(model._fit_record.metric),
        best=float(model.best_score_),
        honest=float(getattr(model, "honest_score_", math.nan)),
        interval=UNDEFINED
        if interval is None
        else (float(interval[0]), float(interval[1])),
        note=str(getattr(model, "honest_note_", "")),
        constant=model._fit_record.constant_score,
        test=test,
    )


def _column_names(model):
    """Return the names of the columns; without names, as scikit-learn names them."""
    names = getattr(model, "feature_names_in_", None)
    names = model._row_encoder.names if names is None else names
    if names is None:
        return [f"x{i}" for i in range(model.n_features_in_)]
    return [str(name) for name in names]


def _columns(model):
    """Return how the columns were read, without values of them."""
    names = _column_names(model)
    return tuple(
        ColumnFacts(
            name,
            row["kind"],
            _safe(row["reason"]),
            row["levels"],
            row["missing"],
            row["encoded_as"],
        )
        for name, row in zip(
            names, column_rows(model._row_encoder.columns, names), strict=True
        )
    )


def _safe(reason):
    """Return a reason without quoted values of the table."""
    for start in _REASONS_IN_SHORT:
        if reason.startswith(start):
            return start
    if reason.startswith(_SAFE_REASONS) or reason[:1].isdigit():
        return reason
    return "format of the strings" if reason else ""


def _suspects(model, targets):
    """Return the columns that determine a target alone."""
    names, record = _column_names(model), model._fit_record
    several = len(record.counts if record.task == "labels" else record.spread) > 1
    return tuple(
        Suspect(
            names[found.position], targets[found.output] if several else "", found.share
        )
        for found in record.single_columns
    )


def _importance(model, X, y) -> Importance | None:
    """Return the permutation importance on held-back rows."""
    if y is None:
        return None
    scoring = model.scoring
    if scoring is None and model._fit_record.metric in get_scorer_names():
        scoring = model._fit_record.metric
    _, rows = of_table(model, X, y)
    if len(rows) < _num_samples(y):
        X, y = _safe_indexing(X, rows), _safe_indexing(y, rows)
    try:
        with ignored_warnings():
            found = ImportanceDisplay.compute(
                model,
                X,
                y,
                scoring=scoring,
                n_repeats=N_REPEATS,
                max_rows=MAX_ROWS,
                time_limit=IMPORTANCE_SECONDS,
                random_state=0,
            )
    except ValueError:
        # Such as the area under the ROC curve of rows of one class.
        return None
    means = np.asarray(found.importances_mean)
    reached = [i for i in range(len(means)) if np.isfinite(means[i])]
    return Importance(
        tuple(str(found.names[i]) for i in reached),
        tuple(float(means[i]) for i in reached),
        tuple(float(found.importances_std[i]) for i in reached),
        found.n_rows,
        N_REPEATS,
        _lower(found.score_name.removeprefix("Negative ")),
    )


def _lower(words):
    """Return words as within a sentence; those of capitals stay."""
    return words[:1].lower() + words[1:] if words[1:2].islower() else words


def _search(model):
    """Return how the model was found."""
    history, report = model.history_, model.time_report_
    finished = [e for e in history if e.status is Status.OK and e.defined_scores]
    ranked = sorted(finished, key=lambda e: -e.score)
    ranks = {e.candidate.text: rank for rank, e in enumerate(ranked, start=1)}
    tried = {e.candidate.text for e in history}

    def neighbor(known):
        of = [ranks[text] for text in known.pipelines if text in ranks]
        return Neighbor(
            known.dataset,
            known.distance,
            known.weight,
            known.alike,
            len(known.pipelines),
            sum(text in tried for text in known.pipelines),
            min(of, default=None),
        )

    origins = [_kind_of_origin(e.candidate.origin) for e in history]
    return Search(
        is_search=model.n_splits_ > 0,
        n_evaluations=model.n_evaluations_,
        n_folds=model.n_splits_,
        statuses=tuple(Counter(str(e.status) for e in history).most_common()),
        origins=tuple(Counter(origins).most_common()),
        curve=tuple(
            (e.number, e.score, _kind_of_origin(e.candidate.origin)) for e in finished
        ),
        stop_reason=model.stop_reason_,
        seconds=report["fit"],
        n_workers=report["n_workers"],
        neighbors=tuple(neighbor(known) for known in model._neighbors),
        note=model.recall_note_,
    )


def _kind_of_origin(origin):
    """Return an origin without its parent and details."""
    return origin.partition(" ")[0].rstrip(":")


def _inside(model):
    """Return the members of the final model."""
    ensemble, weights = model.ensemble_, model.ensemble_weights_
    known = {e.number: e for e in model.history_}
    members = []
    for (number, share), fitted in zip(weights.items(), ensemble.members, strict=True):
        evaluation = known.get(number)
        scored = evaluation is not None and bool(evaluation.defined_scores)
        members.append(
            Member(
                number,
                share,
                evaluation.score if scored else math.nan,
                evaluation.standard_error if scored else math.nan,
                evaluation.fit_seconds if evaluation is not None else math.nan,
                "a constant" if evaluation is None else evaluation.candidate.text,
                isinstance(fitted, list | tuple),
            )
        )
    members.sort(key=lambda member: -member.share)
    is_constant = model._source is None
    kind = "constant" if is_constant else ensemble.combination.kind
    if not is_constant and len(members) == 1:
        kind = "single"
    decision = getattr(model, "decision_threshold_", None)
    threshold = float(decision) if np.ndim(decision) == 0 and decision else None
    usual = 0.0 if model._fit_record.task == "classes" and threshold is None else 0.5
    is_tuned = decision is not None and bool(np.any(np.asarray(decision) != usual))
    source = {} if is_constant else model._source
    return Inside(
        kind,
        tuple(members),
        "" if is_constant else _source_without_encoder(model),
        source.get("encoder") is not None,
        threshold if is_tuned else None,
        is_tuned,
    )


def _source_without_encoder(model):
    """Return the source of the best pipeline without levels of categories."""
    without = SimpleNamespace(_source={**model._source, "encoder": None})
    return source_of(without, model._catalog, ensemble=False)
