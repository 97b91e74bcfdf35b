"""Fits on all rows at the end."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.ensemble._refits import REFIT, Refits, mean_iterations
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.parallel._pickled import Pickled
from sklearn_meta.parallel._pool import Done, Failed, Payload, Place
from sklearn_meta.pipelines import X
from sklearn_meta.timing._refits import REFIT_MARGIN
from tests.parallel.scripted_pool import ScriptedPool


class Pool(ScriptedPool):
    """Each wait takes a second; tasks are kept."""

    def __init__(self, n_workers, script, now):
        super().__init__(n_workers, script)
        self.now, self.tasks = now, []

    def submit(self, task):
        self.tasks.append(task)
        super().submit(task)

    def wait(self, timeout):
        self.now[0] += 1.0
        return super().wait(timeout)


@pytest.fixture
def now():
    return [100.0]


def evaluation(text, seconds=1.0, iterations=None, n_folds=2):
    folds = tuple(
        FoldResult(i, 0.5, None, seconds, iterations=iterations) for i in range(n_folds)
    )
    return Evaluation(0, Candidate(X, text, ""), Status.OK, folds)


def refits_of(now, *, budget=1e3, n_workers=1, script=None, **changes):
    """Refits of candidates fitted on 80 of 100 rows, and their pool."""
    stages = tuple(Stage(np.arange(80), np.arange(20)) for _ in range(2))
    context = EvaluationContext(SimpleNamespace(n_samples=100), stages)
    script = {
        text: [[Payload(text, Pickled.of(f"model {text}"))], [Done(text)]]
        for text in "abcd"
    } | (script or {})
    pool = Pool(n_workers, script, now)
    return Refits(context, pool, Budget(budget, lambda: now[0]), **changes), pool


def test_each_candidate_is_fitted_once_in_the_order_given(now):
    refits, pool = refits_of(now)
    a, b, c = map(evaluation, "abc")
    refits.run([b, a])
    refits.run([a, c, b])
    assert [task.id for task in pool.tasks] == ["b", "a", "c"]
    assert [refits.model(e) for e in (a, b, c)] == ["model a", "model b", "model c"]
    assert refits.model(evaluation("d")) is None


def test_a_task_has_all_that_a_fit_needs(now):
    refits, pool = refits_of(now, memory_limit=77)
    refits.run([evaluation("a", iterations=12)])
    (task,) = pool.tasks
    assert (task.function, task.args) == (REFIT, (X, "a", 12, 100))
    assert (task.deadline, task.memory_limit) == (1_100.0, 77)


def test_seconds_are_those_of_all_fits(now):
    refits, _ = refits_of(now, n_workers=2)
    refits.run([evaluation("a"), evaluation("b")])
    assert refits.seconds == 4.0  # two seconds each, side by side


def test_what_failed_has_no_model_and_is_not_tried_again(now):
    script = {"a": [[], [Failed("a", "raised", "no")]]}
    refits, pool = refits_of(now, script=script)
    a = evaluation("a")
    refits.run([a])
    assert refits.model(a) is None and not refits.may_start(a)
    refits.run([a])
    assert len(pool.tasks) == 1 and refits.seconds == 2.0


def test_events_of_other_tasks_are_ignored(now):
    refits, _ = refits_of(now)
    refits.collect(Payload("b", "of the search"))
    refits.collect(Done("b"))
    assert refits.model(evaluation("b")) is None and refits.seconds == 0


def test_what_takes_too_long_is_left_out(now):
    refits, pool = refits_of(now, budget=10.0)
    long, short = evaluation("a", seconds=9.0), evaluation("b")
    assert not refits.may_start(long) and refits.may_start(short)
    refits.run([long, short])
    assert [task.id for task in pool.tasks] == ["b"]


def test_after_the_end_nothing_is_begun(now):
    refits, pool = refits_of(now, budget=10.0)
    now[0] += 11
    assert not refits.may_start(evaluation("a", seconds=0.1))
    refits.run([evaluation("a", seconds=0.1)])
    assert pool.tasks == []


def test_workers_that_never_become_idle_are_not_waited_for(now):
    refits, pool = refits_of(now, budget=3.0, n_workers=0)
    refits.run([evaluation("a", seconds=0.1)])
    assert pool.tasks == [] and now[0] == 103.0


def test_a_fit_that_is_over_the_time_is_waited_for(now):
    # The pool ends it at its deadline.
    script = {"a": [[], [], [], [Failed("a", "timeout", "late")]]}
    refits, pool = refits_of(now, budget=2.0, script=script)
    refits.run([evaluation("a", seconds=0.1), evaluation("b", seconds=0.1)])
    assert not pool.running and [task.id for task in pool.tasks] == ["a"]


@pytest.mark.parametrize(("n_workers", "share"), [(1, 1 / 3), (2, 2 / 3), (3, 1)])
def test_beside_a_holdout_each_has_its_share_of_the_seconds(now, n_workers, share):
    refits, pool = refits_of(now, budget=1e3, n_workers=n_workers)
    stages = (Stage(np.arange(8), np.arange(2)),)
    refits.context = EvaluationContext(SimpleNamespace(n_samples=10_000), stages)
    # All rows take twice as long as there is time for.
    seconds = 2e3 / REFIT_MARGIN * 8 / 10_000
    refits.run([evaluation(text, seconds, n_folds=1) for text in "abc"])
    first = pool.tasks[0]
    assert first.args[3] == pytest.approx(5_000 * share, abs=1)


def test_rounds_of_early_stopping_are_averaged():
    folds = tuple(FoldResult(i, 0.0, np.zeros(1), iterations=n) for i, n in
                  enumerate([10, 20, 33]))  # fmt: skip
    evaluation = Evaluation(0, Candidate(X, "c", ""), Status.OK, folds)
    assert mean_iterations(evaluation) == 21
    plain = Evaluation(0, Candidate(X, "c", ""), Status.OK, ())
    assert mean_iterations(plain) is None


def test_what_is_not_known_to_be_safe_is_left_out(now):
    refits, pool = refits_of(
        now, may_fit=lambda tree, place: place is not Place.LOST or tree == "safe"
    )
    pool.place = Place.LOST
    a, b = evaluation("a"), evaluation("b")
    a = replace(a, candidate=replace(a.candidate, tree="safe"))
    refits.run([b, a])
    assert [(task.id, task.key) for task in pool.tasks] == [("a", "a")]
    assert refits.model(b) is None and not refits.may_start(b)
