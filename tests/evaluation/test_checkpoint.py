"""Plans of fits that go on from a checkpoint."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.evaluation._budget import Budget, reserve_seconds
from sklearn_meta.evaluation._checkpoint import (
    Checkpoint,
    open_checkpoint,
    with_time_to_combine,
)
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fingerprint import Fingerprint
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._replay import NoRecord
from sklearn_meta.exceptions import CheckpointMismatchError
from tests.evaluation.records import evaluation

PRINT = Fingerprint((("X", "12"), ("cv", "34")))


class FakePlan(SimpleNamespace):
    """What a checkpoint needs of a plan."""

    def continued(self, settings, budget, record):
        return FakePlan(**{**vars(self), "budget": budget})


@pytest.fixture(autouse=True)
def any_record_may_be_replaced(monkeypatch):
    def replaced(record, **changes):
        if isinstance(record, SimpleNamespace):
            return type(record)(**{**vars(record), **changes})
        return replace(record, **changes)

    monkeypatch.setattr("sklearn_meta.evaluation._checkpoint.replace", replaced)


def stages(*first):
    return tuple(Stage(np.array([i, 3]), np.array([4, 5])) for i in first)


def plan_of(stages):
    context = EvaluationContext(SimpleNamespace(n_samples=6), stages)
    return FakePlan(context=context, budget=None)


def settings(seed=1, cv=None):
    return SimpleNamespace(seed=seed, cv=cv)


def budget(seconds, now=100.0):
    return Budget(seconds, lambda: now)


def fit(path, *, seconds=60.0, seed=1, cv=None, fingerprint=PRINT, first=(0, 1)):
    """What `fit` does with a checkpoint, the search apart."""
    given = budget(seconds)
    with open_checkpoint(path) as checkpoint:
        planned_for = checkpoint.first_budget(given)
        begun = checkpoint.as_begun(settings(seed, cv), fingerprint)
        plan = checkpoint.planned(plan_of(stages(*first)), begun, given, fingerprint)
        if checkpoint.file is not None:
            checkpoint.file.end(checkpoint.file.seconds_spent + 20.0)
    return planned_for, begun, plan


def test_without_a_checkpoint_everything_is_as_it_was():
    checkpoint, plan, given = Checkpoint(), plan_of(stages(0)), budget(3.0)
    assert checkpoint.first_budget(given) is given
    assert checkpoint.planned(plan, None, given, None) is plan
    assert checkpoint.as_begun(given, None) is given


@pytest.mark.parametrize("first_seconds", [60.0, np.inf])
def test_a_search_is_planned_again_as_at_first(first_seconds, tmp_path):
    path = tmp_path / "a.sqlite"
    planned_for, begun, plan = fit(path, seconds=first_seconds, seed=7)
    assert planned_for.seconds == first_seconds and plan.budget is None
    for n in (1, 2):
        # Other splits, as from a splitter without a seed.
        planned_for, begun, plan = fit(path, seconds=300.0, seed=8, first=(1, 2, 0))
        assert planned_for.seconds == first_seconds and begun.seed == 7
        assert [s.train[0] for s in plan.context.stages] == [0, 1]
        # 20 of the seconds are spent in each fit.
        assert plan.budget.remaining() == 300.0 - 20.0 * n


def test_other_data_or_settings_are_an_error(tmp_path):
    path = tmp_path / "a.sqlite"
    fit(path)
    other = Fingerprint((("X", "99"), ("cv", "34"), ("y", "1")))
    with pytest.raises(CheckpointMismatchError, match=r"begun: X, y\. Its scores"):
        fit(path, fingerprint=other)
    # The file is closed, and whole.
    fit(path)


def test_splits_of_an_iterator_must_be_the_same(tmp_path):
    path = tmp_path / "a.sqlite"
    fit(path, cv=iter([]))
    fit(path, cv=iter([]))
    with pytest.raises(CheckpointMismatchError, match=r"begun: cv\."):
        fit(path, cv=iter([]), first=(1, 0))


def test_a_fit_that_was_interrupted_at_its_end_has_time_for_the_final_model():
    context = EvaluationContext(SimpleNamespace(n_samples=6), stages(0))
    history = History()
    history.add(evaluation(0, [0.5], seconds=2.0))
    given = Budget(60.0, lambda: 200.0, start=140.5)
    plan = FakePlan(context=context, budget=given, n_workers=1)
    assert with_time_to_combine(plan, history, NoRecord()) is plan
    record = SimpleNamespace(seconds_spent=59.0)
    needed = reserve_seconds(history, context, given, 1)
    assert needed > 1
    left = with_time_to_combine(plan, history, record).budget.remaining()
    assert left == pytest.approx(needed)
    plan.budget = Budget(600.0, lambda: 200.0, start=140.5)
    assert with_time_to_combine(plan, history, record).budget.seconds == 600.0
