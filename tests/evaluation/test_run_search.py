"""A search is run within its plan; an interrupt ends it and keeps its results."""

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

import sklearn_meta.parallel._imports
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.evaluation._records import Candidate, FoldResult, Status
from sklearn_meta.evaluation._replay import MemoryRecord
from sklearn_meta.evaluation._run_search import run_search
from sklearn_meta.evaluation._search_plan import Plan
from sklearn_meta.parallel._pool import Done, Failed, Payload
from sklearn_meta.pipelines._tree import X
from tests.parallel.scripted_pool import ScriptedPool

SLOW = "tests.slow_package"
PACKAGES = {"c1": [SLOW]}


class Listed:
    """Proposes candidates by their texts."""

    def __init__(self, *texts):
        self.texts = list(texts)
        self.told = []

    def ask(self, n):
        asked, self.texts = self.texts[:n], self.texts[n:]
        return [Candidate(X, text, "test") for text in asked]

    def tell(self, evaluations):
        self.told += evaluations


def forecast():
    return SimpleNamespace(
        fit_seconds=lambda tree, n=None: 1.0,
        is_safe=lambda tree: True,
        is_worthwhile=lambda candidate, seconds: True,
        score_seconds=0.0,
        foreign=frozenset(),
    )


class Planned(Plan):
    """A plan that knows packages by the text of a candidate."""

    def packages(self, evaluation):
        return PACKAGES.get(evaluation.candidate.text, [])


@pytest.fixture
def plan():
    stages = (Stage(np.arange(4), np.arange(2)),)
    return Planned(
        context=EvaluationContext(SimpleNamespace(n_samples=8), stages),
        forecast=forecast(),
        budget=Budget(1e3, lambda: 0.0),
        limits=SearchLimits(None, 100),
        first_trees=(),
        left_out=frozenset(),
        search_seconds=np.inf,
        n_workers=1,
    )


def scored(number, score=0.5):
    predictions = np.random.default_rng(number).normal(size=2)
    result = FoldResult(0, score, predictions, 0.1, 0.1)
    return [[Payload(number, result), Done(number)]]


def run(plan, search, script, observe=lambda evaluation, history: False):
    history, pool = History(), ScriptedPool(script=script)
    result = run_search(plan, search, history, pool, look_ahead=4, observe=observe)
    assert result.history is history
    return result, pool


def test_what_is_proposed_is_evaluated_and_told(plan):
    search = Listed("c0", "c1x", "c2")
    script = {0: scored(0), 1: [[Failed(1, "raised", "no")]], 2: scored(2)}
    result, _ = run(plan, search, script)
    assert [(e.number, e.status) for e in result.history] == [
        (0, Status.OK),
        (1, Status.FAILED),
        (2, Status.OK),
    ]
    assert search.told == list(result.history)
    assert result.stop_reason == "search space exhausted" and not result.interrupted


def test_earlier_evaluations_are_continued(plan):
    pool = ScriptedPool(script={0: scored(0)})
    record, never = MemoryRecord(), lambda evaluation, history: False
    first = run_search(
        plan, Listed("c0"), History(), pool, look_ahead=4, observe=never, record=record
    )
    pool, search = ScriptedPool(script={1: scored(1)}), Listed("c0", "c2")
    result = run_search(
        plan,
        search,
        History(),
        pool,
        look_ahead=4,
        observe=never,
        record=record.after(first.history),
    )
    assert [e.number for e in result.history] == [0, 1]
    assert search.told == list(result.history)
    assert ("submit", 0) not in pool.log


def test_an_observer_sees_each_evaluation_and_may_stop(plan):
    seen = []

    def observe(evaluation, history):
        seen.append((evaluation.number, len(history)))
        return evaluation.number == 1

    texts = [f"c{i}x" for i in range(5)]
    script = {i: scored(i) for i in range(5)}
    result, _ = run(plan, Listed(*texts), script, observe)
    assert seen == [(0, 1), (1, 2)]
    assert result.stop_reason == "stopped by a callback"


def test_an_interrupt_keeps_what_was_found(plan):
    class Interrupted(ScriptedPool):
        def wait(self, timeout):
            if len(self.waits) == 2:
                raise KeyboardInterrupt
            return super().wait(timeout)

    result_of_a_fold = scored(1)[0][:1]
    pool = Interrupted(script={0: scored(0), 1: [result_of_a_fold, [], [Done(1)]]})
    search, history = Listed("c0", "c2"), History()
    result = run_search(
        plan, search, history, pool, look_ahead=4, observe=lambda e, h: False
    )
    assert result.interrupted and result.stop_reason == "interrupted"
    assert [e.status for e in history] == [Status.OK, Status.OK]
    # Nothing goes on running.
    assert pool.log[-1] == ("cancel", 1) and not pool.running


@pytest.mark.parametrize("error", [KeyboardInterrupt(), KeyError("half done")])
def test_a_second_interrupt_or_what_the_first_has_left_half_done_loses_nothing(
    plan, error
):
    class Interrupted(ScriptedPool):
        def wait(self, timeout):
            if len(self.waits) == 2:
                np.seterr(all="ignore")
                raise KeyboardInterrupt
            return super().wait(timeout)

        def cancel(self, task_id):
            raise error

    pool = Interrupted(script={0: scored(0), 1: [scored(1)[0][:1], [], [Done(1)]]})
    history, before = History(), np.geterr()
    result = run_search(
        plan, Listed("c0", "c2"), history, pool, look_ahead=4, observe=lambda e, h: 0
    )
    assert result.interrupted and len(history) == 1
    assert np.geterr() == before


def test_an_interrupt_of_the_observer_ends_the_search_only(plan):
    def observe(evaluation, history):
        raise KeyboardInterrupt

    result, _ = run(plan, Listed("c0", "c2"), {0: scored(0)}, observe)
    assert result.interrupted and len(result.history) == 1


@pytest.mark.parametrize(
    ("script", "seconds_of_import", "imported"),
    [
        ({0: scored(0), 1: scored(1)}, 3.0, True),
        ({0: scored(0), 1: [[Failed(1, "raised", "no")]]}, 3.0, False),
        ({0: scored(0), 1: scored(1)}, 1e9, False),
    ],
)
def test_what_models_need_is_imported_when_they_have_come(
    plan, script, seconds_of_import, imported, monkeypatch
):
    monkeypatch.delitem(sys.modules, SLOW, raising=False)
    monkeypatch.setattr(
        sklearn_meta.parallel._imports, "IMPORT_SECONDS", seconds_of_import
    )
    seen = []

    def observe(evaluation, history):
        seen.append(SLOW in sys.modules)

    run(plan, Listed("c0", "c1"), script, observe)
    assert seen == [False, imported]


def test_the_reserve_grows_with_what_was_found(plan):
    # One fit takes half of the budget: no time is left to look for another one.
    heavy = FoldResult(0, 0.5, np.zeros(2), 1e3, 0.0)
    script = {0: [[Payload(0, heavy), Done(0)]]}
    clock = [0.0]

    def observe(evaluation, history):
        clock[0] = 0.71 * 1e3

    plan = replace(plan, budget=Budget(1e3, lambda: clock[0]))
    result, pool = run(plan, Listed("c0", "c2"), script, observe)
    assert len(result.history) == 1 and result.stop_reason == "time budget used"
