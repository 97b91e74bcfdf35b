"""Records are written and read without loss, and updated by the documented rules."""

import math
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sklearn_meta.evaluation._records import Status
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)
from tests.metalearning.knowledge import dataset, evaluation, failure, same

TASKS = sorted(STORED_METRICS)


def test_records_come_back(filled):
    (iris, of_iris), (red, _), (white, of_white) = filled.records()
    assert same(
        [iris, red, white], [dataset(n) for n in ("iris", "wine_red", "wine_white")]
    )
    assert same(of_iris, [evaluation(), failure("svc(X)")])
    assert same(of_white, [evaluation("svc(X)", fit_seconds=math.nan)])


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


finite = st.floats(allow_nan=False, allow_infinity=False)


seconds = st.just(math.nan) | st.floats(0, 1e6)


score = st.tuples(finite, st.just(math.nan) | st.floats(0, 1e300))


@st.composite
def knowledge(draw):
    """Datasets of both tasks with evaluations; names are any text."""
    records = []
    keys = st.tuples(st.sampled_from(TASKS), names)
    for task, name in draw(st.lists(keys, unique=True, max_size=3)):
        described = DatasetRecord(
            name=name,
            task=task,
            family=draw(names | st.just("")),
            n_samples=draw(st.integers(0, 10**9)),
            n_features=draw(st.integers(0, 10**6)),
            n_classes=draw(st.integers(0, 100)),
            metafeatures=draw(
                st.dictionaries(names, finite | st.just(math.nan), max_size=4)
            ),
        )
        evaluations = [
            EvaluationRecord(
                pipeline=pipeline,
                status=status,
                scores=draw(st.dictionaries(names, score, max_size=3))
                if status == Status.OK
                else {},
                fit_seconds=draw(seconds),
                predict_seconds=draw(seconds),
                n_rows=draw(st.integers(0, 10**6)),
            )
            for pipeline, status in draw(
                st.dictionaries(names, st.sampled_from(list(Status)), max_size=4)
            ).items()
        ]
        records.append((described, evaluations))
    return records


@given(knowledge())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_all_records_come_back_and_are_copied_by_a_merge(records):
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        first, second = (KnowledgeBase(folder / f"{i}.sqlite") for i in range(2))
        first._add_all([(*record, "somebody") for record in records])
        written = {(d.task, d.name): (d, known) for d, known in records}
        for described, evaluations, source in first._records():
            expected, known = written.pop((described.task, described.name))
            # Meta-features are read in the order in which their names were added, and
            # minus zero as zero.
            items = [
                sorted((name, value + 0.0) for name, value in d.metafeatures.items())
                for d in (described, expected)
            ]
            assert same(*items) and source == "somebody"
            described, expected = (
                replace(d, metafeatures={}) for d in (described, expected)
            )
            assert described == expected
            statuses = {e.pipeline: (e.status, e.n_rows) for e in known}
            assert {e.pipeline: (e.status, e.n_rows) for e in evaluations} == statuses
            metrics = {e.pipeline: set(e.scores) for e in known}
            assert {e.pipeline: set(e.scores) for e in evaluations} == metrics
        assert not written
        # Records that were read are written as they were read.
        second.merge(first)
        assert same(second._records(), first._records())


def test_numbers_of_numpy_are_numbers(mine, path):
    mine.add(
        dataset(n_samples=np.int64(7), metafeatures={"skew": np.float32(0.5)}),
        [
            evaluation(
                scores={"accuracy": (np.float32(0.5), np.float64(0.25))},
                fit_seconds=np.float32(0.5),
                n_rows=np.int32(7),
            )
        ],
    )
    ((described, (stored,)),) = mine.records()
    assert described.n_samples == 7 and described.metafeatures == {"skew": 0.5}
    assert stored.scores == {"accuracy": (0.5, 0.25)}
    assert (stored.fit_seconds, stored.n_rows) == (0.5, 7)


def test_scores_that_are_not_finite_are_absent(mine):
    scores = {
        "accuracy": (math.nan, 0.1),
        "r2": (-math.inf, 0.1),
        "f1": (0.5, math.inf),
    }
    mine.add(dataset(), [evaluation(scores=scores)])
    ((_, (stored,)),) = mine.records()
    assert same(stored.scores, {"f1": (0.5, math.nan)})


def test_adding_again_updates_dataset_and_evaluations(mine):
    mine.add(dataset(), [evaluation("lda(X)")], source="first")
    mine.add(
        dataset(n_samples=99, metafeatures={"skew": 0.7}),
        [evaluation("svc(X)"), evaluation(scores={"accuracy": (0.95, 0.02)})],
        source="second",
    )
    ((described, evaluations, source),) = mine._records()
    assert (described.n_samples, described.metafeatures) == (99, {"skew": 0.7})
    assert source == "second"
    assert [e.pipeline for e in evaluations] == ["lda(X)", "svc(X)"]
    # The newer score, and the one that the newer evaluation did not have.
    assert evaluations[0].scores == {
        "accuracy": (0.95, 0.02),
        "neg_log_loss": (-0.2, 0.02),
    }


def test_one_name_in_two_tasks_is_two_datasets(mine):
    for task in TASKS:
        mine.add(dataset(task=task), [evaluation()])
    assert [d.task for d, _ in mine.records()] == TASKS


@pytest.mark.parametrize(
    ("earlier", "later", "kept"),
    [
        (evaluation(), failure(), "earlier"),
        (failure(), evaluation(), "later"),
        (failure(fit_seconds=1.0), failure(fit_seconds=2.0), "later"),
        (evaluation(n_rows=900), evaluation(n_rows=100, fit_seconds=1.0), "earlier"),
        (evaluation(n_rows=100), evaluation(n_rows=900, fit_seconds=1.0), "later"),
        (evaluation(fit_seconds=1.0), evaluation(fit_seconds=2.0), "later"),
    ],
)
def test_the_better_founded_evaluation_is_kept(mine, earlier, later, kept):
    mine.add(dataset(), [earlier])
    mine.add(dataset(), [later])
    ((_, (stored,)),) = mine.records()
    assert stored == {"earlier": earlier, "later": later}[kept]


def test_scores_of_other_rows_are_not_mixed(mine):
    mine.add(dataset(), [evaluation(n_rows=100)])
    mine.add(dataset(), [evaluation(n_rows=200, scores={"accuracy": (0.8, 0.1)})])
    ((_, (stored,)),) = mine.records()
    assert stored.scores == {"accuracy": (0.8, 0.1)}


def test_an_error_in_the_middle_adds_nothing(filled):
    before = filled.records()
    with pytest.raises(AttributeError):
        filled.add(dataset("new"), [evaluation(), "no record"])
    assert same(filled.records(), before)
