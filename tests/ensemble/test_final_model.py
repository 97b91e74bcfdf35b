"""The final model, whatever is left of the time."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._loss import Loss
from sklearn_meta.data._task import (
    EXTRAPOLATION,
    EXTRAPOLATION_IN_TIME,
    ClassificationTask,
    RegressionTask,
)
from sklearn_meta.ensemble import _final_model
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._estimate_score import NOT_COMBINED, NOT_FINISHED
from sklearn_meta.ensemble._fallbacks import (
    check_candidates,
    constant_model,
    without_candidate,
)
from sklearn_meta.ensemble._final_model import (
    SECONDS_AFTER_INTERRUPT,
    build_final_model,
    combine_search,
)
from sklearn_meta.ensemble._members import FinalModel, Member, fold_models
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import Stage, make_folds, make_stages
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._limits import SearchLimits
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.evaluation._run_search import SearchResult
from sklearn_meta.evaluation._scoring import FastScoring, make_scoring
from sklearn_meta.exceptions import (
    NoCandidateError,
    SearchInterruptedWarning,
    SklearnMetaWarning,
)
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.parallel._pool import Place
from sklearn_meta.pipelines import Node, Schema, X, default_catalog
from tests.evaluation.records import evaluation

N = 30


class Constant:
    """A fitted model, as pickles hold it."""

    def __init__(self, value):
        self.value = value

    def predict(self, X):
        return np.full(len(X), self.value)


class Unloadable:
    def __reduce__(self):
        return int, ("no number",)


@pytest.fixture
def now():
    return [0.0]


def context_of(stages=None):
    rng = np.random.default_rng(0)
    y = rng.normal(size=N)
    data = Dataset(rng.normal(size=(N, 2)), y, Schema(2), RegressionTask())
    if stages is None:
        stages = [Stage(np.arange(15), np.arange(15, 30)) for _ in range(1)]
        stages += [Stage(np.arange(15, 30), np.arange(15))]
    return EvaluationContext(
        data,
        tuple(stages),
        FastScoring("neg_mean_squared_error"),
        default_catalog("regression"),
    )


def add(history, context, learner, *, error=1.0, seconds=0.01, models=None, **changes):
    """Add a candidate whose predictions are off by `error`, in turn up and down."""
    folds = []
    for i, stage in enumerate(context.stages):
        sign = np.where(np.arange(len(stage.validation)) % 2, 1, -1)
        predictions = context.dataset.y[stage.validation] + error * sign
        model = None if models is None else dumps(models[i])
        folds.append(FoldResult(i, -(error**2), predictions, seconds, model=model))
    number = len(history)
    candidate = Candidate(Node(learner, (X,)), f"{learner}-{number}", "")
    changes = {"status": Status.OK, "folds": tuple(folds)} | changes
    history.add(Evaluation(number, candidate, **changes))


def build(history, context, now, *, budget=1e3, ensemble_size=5, **changes):
    return build_final_model(
        history,
        context,
        ensemble_size=ensemble_size,
        pool=InProcessPool(state=context, clock=lambda: now[0]),
        budget=Budget(budget, lambda: now[0]),
        **changes,
    )


def plan_of(context, now, budget=1e3):
    return SimpleNamespace(
        context=context,
        budget=Budget(budget, lambda: now[0]),
        limits=SearchLimits(None, 10),
        packages=lambda evaluation: [],
        forecast=None,
    )


def result_of(history, interrupted=False):
    return SearchResult(history, "search space exhausted", interrupted)


def combine(result, context, now, **changes):
    plan = plan_of(context, now, **changes)
    pool = InProcessPool(state=context, clock=lambda: now[0])
    return combine_search(result, plan, pool, ensemble_size=5)


def test_the_best_candidate_is_fitted_on_all_rows(now):
    context, history = context_of(), History()
    add(history, context, "dummy", error=2.0)
    add(history, context, "ridge", error=0.1)
    final = combine(result_of(history), context, now)
    assert final.best.evaluation.number == 1 and final.best_score == history[1].score
    assert len(final.best.models) == 1
    assert final.best.models[0].n_features_in_ == 2
    assert final.stop_reason == "search space exhausted"
    assert sum(final.weights.values()) == pytest.approx(1)


def test_members_that_err_differently_are_combined(now):
    context, history = context_of(), History()
    add(history, context, "ridge", error=1.0)
    add(history, context, "dummy", error=-1.0)
    final = build(history, context, now)
    assert final.weights == pytest.approx({0: 0.5, 1: 0.5}, abs=0.01)
    assert build(history, context, now, ensemble_size=1).weights == {0: 1.0}


@pytest.mark.parametrize(
    ("extrapolation", "goes_on"),
    [(EXTRAPOLATION_IN_TIME, True), (EXTRAPOLATION, False)],
)
def test_candidates_are_judged_by_what_the_final_model_may_predict(
    now, monkeypatch, extrapolation, goes_on
):
    context, history = context_of(), History()
    add(history, context, "ridge", error=0.1)
    add(history, context, "dummy", error=-0.1)
    # Validated on rows beyond the targets of the table, as with a trend.
    beyond = replace(context.dataset, y=context.dataset.y / 100)
    context = replace(context, dataset=beyond, extrapolation=extrapolation)
    seen = []
    choose = _final_model.choose

    def watched(predictions, *args, **kwargs):
        seen.extend(predictions)
        return choose(predictions, *args, **kwargs)

    monkeypatch.setattr(_final_model, "choose", watched)
    build(history, context, now)
    limits = context.dataset.task.limits(beyond.y, extrapolation)
    assert np.max(seen) <= limits[1] and np.min(seen) >= limits[0]
    assert (np.max(seen) > context.dataset.task.limits(beyond.y)[1]) == goes_on


def test_fold_models_take_the_place_of_fits_that_there_is_no_time_for(now):
    context, history = context_of(), History()
    models = [Constant(1.0), Constant(2.0)]
    add(history, context, "ridge", error=0.1, seconds=1e6, models=models)
    final = build(history, context, now)
    assert [m.value for m in final.best.models] == [1.0, 2.0]
    assert final.refit_seconds == 0


def test_what_can_neither_be_fitted_nor_loaded_is_no_member(now):
    context, history = context_of(), History()
    bad = [Unloadable(), Constant(2.0)]
    add(history, context, "ridge", error=0.1, seconds=1e6, models=bad)
    add(history, context, "dummy", error=2.0)
    final = build(history, context, now)
    assert [m.evaluation.number for m in final.members] == [1]
    assert final.best.evaluation.number == 1


def test_a_fit_that_fails_is_replaced_by_the_next_best(now):
    context, history = context_of(), History()
    add(history, context, "dummy", error=2.0, seconds=0.001)
    add(history, context, "no_such_operator", error=0.1)
    add(history, context, "ridge", error=0.5)
    final = build(history, context, now, ensemble_size=1)
    assert [m.evaluation.number for m in final.members] == [2]


def test_only_what_can_be_loaded_in_time_is_used_unless_nothing_can(now):
    context, history = context_of(), History()
    add(history, context, "dummy", error=2.0, seconds=0.001)
    add(history, context, "ridge", error=0.1)
    final = build(history, context, now, is_usable=lambda e: e.number == 0)
    assert final.best.evaluation.number == 0
    final = build(history, context, now, is_usable=lambda e: False)
    assert final.best.evaluation.number == 1


def test_without_a_fold_the_best_model_of_the_screening_is_taken(now):
    stage = Stage(np.arange(15), np.arange(15, 30), screening=True)
    context, history = context_of((stage, *context_of().stages)), History()
    for value, score in ((1.0, 0.3), (2.0, 0.9), (3.0, None), (4.0, 0.5)):
        model = dumps(Constant(value) if score != 0.9 else Unloadable())
        result = FoldResult(0, score, None, 1.0, model=model)
        screened = {} if score is None else {"screening": (result,)}
        history.add(evaluation(len(history), status=Status.TIMEOUT, **screened))
    final = build(history, context, now)
    assert [m.value for m in final.best.models] == [4.0]
    assert final.members == (final.best,)


def test_nothing_at_all(now):
    assert build(History(), context_of(), now) is None


def test_fold_models_are_those_of_all_folds():
    context, history = context_of(), History()
    add(history, context, "ridge", models=[1, 2])
    assert len(fold_models(history[0])) == 2
    half = [FoldResult(0, 0.0, None, model=b""), FoldResult(1, 0.0, None)]
    history.add(evaluation(1))
    history.add(Evaluation(2, Candidate(X, "", ""), Status.OK, tuple(half)))
    assert fold_models(history[1]) == fold_models(history[2]) == []


# Ends of a search


def test_without_a_candidate_a_constant_is_predicted(now):
    context, history = context_of(), History()
    history.add(evaluation(0, status=Status.TIMEOUT))
    with pytest.warns(SklearnMetaWarning, match="budget of 5 s: the model") as record:
        final = combine(result_of(history), context, now, budget=5.0)
    assert record[0].filename == __file__
    assert final.stop_reason == "search space exhausted"
    predicted = final.best.models[0].predict(context.dataset.X)
    np.testing.assert_allclose(predicted, context.dataset.y.mean())


def test_the_constant_of_classes_is_a_label():
    task = ClassificationTask(np.array(["no", "yes"]))
    dataset = Dataset(np.zeros((3, 1)), np.array([1, 1, 0]), Schema(1), task)
    final = constant_model(dataset, 7)
    assert final.best.models[0].predict(dataset.X).tolist() == ["yes"] * 3
    assert final.weights == {7: 1.0} and final.best_score == -np.inf


@pytest.mark.parametrize(
    ("statuses", "raises"),
    [
        ([Status.FAILED], True),
        ([Status.CRASHED, Status.TIMEOUT], True),
        ([Status.MEMORY, Status.TIMEOUT, Status.TIMEOUT], False),
        ([Status.TIMEOUT], False),
        ([], False),
    ],
)
def test_failures_other_than_of_time_are_an_error(now, statuses, raises):
    history = History()
    for i, status in enumerate(statuses):
        history.add(evaluation(i, status=status, reason=f"reason {i}"))
    if raises:
        message = (
            f"None of the {len(statuses)} candidates could be fitted: 1 × reason 0"
        )
        with pytest.raises(NoCandidateError, match=message):
            check_candidates(history)
    else:
        check_candidates(history)
        with pytest.warns(SklearnMetaWarning):
            without_candidate(history, plan_of(context_of(), now))


def test_the_most_frequent_reasons_are_told():
    history = History()
    for i, reason in enumerate(["a", "b", "b", "b", "a", ""]):
        history.add(evaluation(i, status=Status.FAILED, reason=reason))
    with pytest.raises(NoCandidateError, match="3 × b, 2 × a, 1 × failed"):
        check_candidates(history)


def test_after_an_interrupt_the_model_is_made_in_seconds(now, monkeypatch):
    context, history = context_of(), History()
    add(history, context, "ridge", error=0.1)
    budgets, build = [], _final_model.build_final_model

    def watched(*args, **kwargs):
        budgets.append(kwargs["budget"].remaining())
        return build(*args, **kwargs)

    monkeypatch.setattr(_final_model, "build_final_model", watched)
    now[0] = 0.0
    with pytest.warns(SearchInterruptedWarning, match="after 1 evaluations") as record:
        final = combine(result_of(history, interrupted=True), context, now)
    assert budgets == [SECONDS_AFTER_INTERRUPT] and record[0].filename == __file__
    assert final.best.evaluation.number == 0


def test_an_interrupt_of_the_end_makes_it_shorter(now, monkeypatch):
    context, history = context_of(), History()
    add(history, context, "ridge", error=0.1)
    calls, build, before = [], _final_model.build_final_model, np.geterr()

    def interrupted_once(*args, **kwargs):
        calls.append(kwargs["pool"])
        if len(calls) == 1:
            np.seterr(all="ignore")
            raise KeyboardInterrupt
        assert np.geterr() == before
        return build(*args, **kwargs)

    monkeypatch.setattr(_final_model, "build_final_model", interrupted_once)
    with pytest.warns(SearchInterruptedWarning):
        final = combine(result_of(history), context, now)
    assert final.stop_reason == "interrupted"
    # The workers may still be busy with the first try.
    assert calls[0] is not calls[1] and calls[1].place is Place.IN_PROCESS


def test_an_interrupt_before_anything_was_found_is_one(now):
    with pytest.raises(KeyboardInterrupt):
        combine(result_of(History(), interrupted=True), context_of(), now)


def test_what_was_fitted_without_a_search_has_no_score():
    member = Member(evaluation(0), (None,))
    assert np.isnan(FinalModel((member,), Combination.single(0), member).best_score)


class StoppedClock:
    """A clock that jumps to the end of the budget."""

    now = 0.0

    def __call__(self):
        return self.now


def test_a_model_is_built_though_the_time_is_over():
    rng = np.random.default_rng(0)
    data = Dataset(
        rng.normal(size=(N, 2)), rng.normal(size=N), Schema(2), RegressionTask()
    )
    stages = make_stages(data, make_folds(data, None, 0), 0)
    context = EvaluationContext(
        data,
        stages,
        FastScoring("neg_mean_squared_error"),
        default_catalog("regression"),
    )
    history = History()
    for name, seconds in [("extra_trees", 5.0), ("ridge", 0.1)]:
        tree = Node(name, (X,))
        folds = tuple(
            FoldResult(i, -1.0, np.zeros(len(s.validation)), seconds)
            for i, s in enumerate(stages)
        )
        history.add(
            Evaluation(len(history), Candidate(tree, name, ""), Status.OK, folds)
        )
    clock = StoppedClock()
    budget = Budget(1.0, clock)
    clock.now = 2.0
    model = build_final_model(
        history,
        context,
        ensemble_size=5,
        pool=InProcessPool(state=context, clock=clock),
        budget=budget,
    )
    assert model.best.evaluation.candidate.text == "ridge"
    assert np.isfinite(model.best.models[0].predict(data.X)).all()
    np.testing.assert_array_equal(model.out_of_fold.predictions, np.zeros(N))
    assert model.honest.note == NOT_COMBINED


# Scorers of the user


class Workers(InProcessPool):
    """A pool that says that its tasks can be killed, and notes them."""

    place = Place.WORKER
    hangs_in = None

    def submit(self, task):
        self.tasks = [*getattr(self, "tasks", []), task]
        super().submit(task)

    def wait(self, timeout):
        if self._task.id == self.hangs_in:
            self.clock.now += timeout
            return []
        return super().wait(timeout)


def error(estimator, X, y):
    return -float(np.mean((estimator.predict(X) - y) ** 2))


@pytest.mark.parametrize("hangs_in", [None, "combine_candidates", "estimate_score"])
def test_the_scorer_of_a_user_is_called_where_it_can_be_killed(hangs_in):
    context = context_of()
    context = replace(context, scoring=make_scoring(error, RegressionTask()))
    history, clock = History(), StoppedClock()
    for sign in (1, -1, 1.2):
        add(history, context, "ridge", error=sign)
    pool = Workers(state=context, clock=clock)
    pool.hangs_in = hangs_in
    final = build_final_model(
        history, context, ensemble_size=5, pool=pool, budget=Budget(10.0, clock)
    )
    first = pool.tasks[0]
    assert first.id == "combine_candidates" and first.deadline < 10
    assert (len(final.members) == 1) == (hangs_in == "combine_candidates")
    estimated = pool.tasks[1].id == "estimate_score"
    assert estimated == (hangs_in != "combine_candidates")
    notes = {"combine_candidates": NOT_COMBINED, "estimate_score": NOT_FINISHED}
    assert final.honest.note == notes.get(hangs_in, "")
    assert final.out_of_fold.predictions.shape == (N,)
    # The estimate has 3 % of the time.
    assert clock.now <= (first.deadline if hangs_in == first.id else 0.5)


def test_scorers_that_have_a_name_are_called_in_this_process(now):
    context, history = context_of(), History()
    context = replace(context, scoring=make_scoring("r2", RegressionTask()))
    for sign in (1, -1):
        add(history, context, "ridge", error=sign)
    pool = Workers(state=context, clock=lambda: now[0])
    final = build_final_model(
        history, context, ensemble_size=5, pool=pool, budget=Budget(1e3, pool.clock)
    )
    assert len(final.members) == 2
    assert "combine_candidates" not in [task.id for task in pool.tasks]


@pytest.mark.parametrize(
    "loss, expected",
    [
        (None, 22.0),
        (Loss("quantile", level=0.5), 3.0),
        (Loss("tweedie", power=1.0), 22.0),
        (Loss("squared_log"), np.expm1(np.mean(np.log1p([1, 2, 3, 4, 100])))),
    ],
    ids=str,
)
@pytest.mark.parametrize("n_outputs", [1, 2])
def test_the_constant_suits_the_loss(loss, expected, n_outputs):
    y = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    y = y if n_outputs == 1 else np.stack([y, y], axis=1)
    data = Dataset(np.zeros((5, 1)), y, Schema(1), RegressionTask(n_outputs, loss=loss))
    (model,) = constant_model(data, 0).members[0].models
    np.testing.assert_allclose(model.predict(np.zeros((2, 1))), expected)
