"""The final model is the best that keeps limits of milliseconds and megabytes."""

import itertools
import pickle
import time
import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import get_tags

from sklearn_meta.ensemble import _usage_limits
from sklearn_meta.ensemble._combination import Combination
from sklearn_meta.ensemble._greedy_selection import (
    LogLoss,
    SquaredError,
    greedy_selection,
)
from sklearn_meta.ensemble._members import FinalModel, Member
from sklearn_meta.ensemble._usage_limits import (
    NO_LIMITS,
    RESERVE_SHARE,
    UsageLimits,
    _best_selection,
    _considered,
    _without_heavy,
    pickled_megabytes,
    quiet_ms,
    usage_limits,
)
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.evaluation._search_plan import Plan
from sklearn_meta.exceptions import SklearnMetaWarning, UsageLimitWarning
from sklearn_meta.pipelines import Cost, Operator, SearchSpace
from sklearn_meta.pipelines._tree import Node, X
from tests.contract.small import Favorites, classifier, people, prices, regressor
from tests.ensemble.candidates import class_candidates, target_candidates
from tests.ensemble.test_final_model import add, build, context_of

# Selection


def best_subset(values, score, shares):
    """The best score of greedy selection from any candidates that fit together."""
    best = -np.inf
    for n in range(1, len(values) + 1):
        for subset in itertools.combinations(range(len(values)), n):
            if (shares[list(subset)].sum(axis=0) <= 1).all():
                chosen = [values[c] for c in subset]
                counts = greedy_selection(chosen, score, size=16)
                average = np.average(chosen, axis=0, weights=counts)
                best = max(best, score(average))
    return best


def score_of(chosen, values, score):
    counts = greedy_selection([values[c] for c in chosen], score, size=16)
    return score(np.average([values[c] for c in chosen], axis=0, weights=counts))


@pytest.mark.parametrize("make", [class_candidates, target_candidates])
def test_the_selection_is_as_good_as_the_best_of_all_subsets(make):
    losses, alone = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        y, values = make(rng, n=200, noise=rng.uniform(0.5, 2.0, size=7))
        score = (LogLoss if make is class_candidates else SquaredError)(y)
        # Better candidates tend to be heavier.
        quality = np.array([score(v) for v in values])
        shares = (
            np.exp(rng.normal(size=(7, 2)))
            * (1 + 3 * (quality > np.median(quality)))[:, None]
        )
        shares = np.clip(shares / 6, None, 1.0)
        order = np.argsort(-quality)
        values, shares = [values[c] for c in order], shares[order]
        chosen = _best_selection(
            values, score, shares, starts=8, additions=16, first=[0], stop=lambda: False
        )
        assert (shares[chosen].sum(axis=0) <= 1 + 1e-9).all()
        best = best_subset(values, score, shares)
        losses.append((best - score_of(chosen, values, score)) / abs(best))
        alone.append((best - score(values[0])) / abs(best))
    # The best candidate alone is worse than the best combination.
    assert np.mean(alone) > 0.03
    assert np.max(losses) < 0.01
    assert np.mean(np.array(losses) < 1e-9) >= 0.75


def test_a_selection_ends_with_the_time():
    rng = np.random.default_rng(0)
    y, values = target_candidates(rng, n=50)
    shares = np.full((3, 2), 0.4)
    calls = []
    chosen = _best_selection(
        values, SquaredError(y), shares, starts=3, additions=4, first=[2],
        stop=lambda: calls.append(1) or True,
    )  # fmt: skip
    assert 2 in chosen and len(chosen) == 2 and len(calls) == 1


def test_heavy_members_leave_first_unless_they_weigh_much():
    shares = np.array([[0.5, 0], [0.5, 0], [0.4, 0], [0.05, 0]])
    assert _without_heavy([0, 1, 2, 3], [0.5, 0.1, 0.3, 0.1], shares) == [0, 2, 3]
    assert _without_heavy([0, 1], [0.5, 0.5], shares) == [0, 1]
    assert _without_heavy([0], [1.0], 9 * shares) == [0]


def test_light_candidates_are_considered_though_heavy_ones_are_better():
    means = np.arange(40.0)
    shares = np.column_stack([np.where(means < 4, 0.1, 0.9), np.zeros(40)])
    considered = _considered(means, shares, 5)
    assert considered[:5] == [39, 38, 37, 36, 35]
    assert {0, 1, 2, 3} <= set(considered)


# Measuring


@pytest.mark.parametrize(
    ("took", "expected", "n_calls"),
    [
        # The first call imports something; half of the others have to wait.
        ([1.0, *[0.003, 0.009] * 20], 3.0, 14),
        # Longer calls are repeated less often.
        ([1.0, *[0.1, 0.3, 0.1, 0.1] * 9], 100.0, 5),
    ],
)
def test_calls_are_measured_as_on_a_quiet_machine(took, expected, n_calls):
    now, calls = [0.0], iter(took)

    def call():
        now[0] += next(calls)

    assert quiet_ms(call, clock=lambda: now[0]) == pytest.approx(expected)
    assert len(list(calls)) == len(took) - n_calls


def test_megabytes_are_those_of_a_pickle():
    values = np.zeros(125_000)
    assert pickled_megabytes(values) == pytest.approx(1.0, rel=1e-3)
    assert pickled_megabytes(lambda: values) == pytest.approx(1.0, rel=1e-2)


# Building the final model


MS = {"dummy": 1.0, "ridge": 4.0, "decision_tree": 2.0}


def limits_of(ms=np.inf, megabytes=np.inf, costs=MS, measured=None, overhead=1.0):
    """Limits, with measurements by operator in place of a clock."""

    def measure(final):
        operators = [m.evaluation.candidate.tree.operator for m in final.members]
        if measured is not None:
            measured.append(operators)
        # The constant model has no learner.
        ms = overhead + sum(costs.get(o, 0.0) for o in operators)
        return np.array([ms, ms / 10])

    return UsageLimits(np.array([ms, megabytes]), measure)


@pytest.fixture
def now():
    return [0.0]


def history_of(context, errors, seconds=1e-9):
    history = History()
    for learner, error in errors:
        add(history, context, learner, error=error, seconds=seconds)
    return history


def members_of(final):
    return sorted(m.evaluation.candidate.tree.operator for m in final.members)


def test_no_limit_changes_nothing(now):
    context = context_of()
    history = history_of(context, [("ridge", 0.9), ("dummy", -1.0)])
    plain = build(history, context, now)
    limited = build(history, context, now, usage=limits_of(100.0))
    assert members_of(limited) == members_of(plain) == ["dummy", "ridge"]
    assert_allclose(limited.combination.weights, plain.combination.weights)


def test_the_best_combination_that_keeps_the_limit_is_chosen(now):
    context = context_of()
    # The first two are best together, and 1 + 4 + 1 ms are too much.
    errors = [("ridge", 0.9), ("dummy", -1.0), ("decision_tree", -1.1)]
    history = history_of(context, errors)
    for limit, expected in [
        (6.0, ["dummy", "ridge"]),
        (5.5, ["ridge"]),
        (4.5, ["dummy"]),
        (2.0, ["dummy"]),
    ]:
        usage = limits_of(limit)
        final = build(history, context, now, usage=usage)
        assert members_of(final) == expected
        assert final.best in final.members
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            predict_ms, megabytes = usage.finish(None, final, context)
        assert predict_ms <= limit and np.isnan(megabytes)


def test_a_good_light_pair_is_better_than_a_heavy_one(now):
    context = context_of()
    errors = [("ridge", 0.9), ("dummy", 1.0), ("decision_tree", -1.0)]
    history = history_of(context, errors)
    usage = limits_of(5.0)
    final = build(history, context, now, usage=usage)
    assert members_of(final) == ["decision_tree", "dummy"]
    assert usage.finish(None, final, context)[0] == 4.0


def test_megabytes_are_limited_likewise(now):
    context = context_of()
    history = history_of(context, [("ridge", 0.9), ("dummy", -1.0)])
    usage = limits_of(megabytes=0.5)
    final = build(history, context, now, usage=usage)
    assert members_of(final) == ["ridge"]
    predict_ms, megabytes = usage.finish(bytes(400_000), final, context)
    assert np.isnan(predict_ms) and megabytes == pytest.approx(0.4, rel=1e-3)


def test_what_keeps_no_limit_is_told_with_its_numbers(now):
    context = context_of()
    history = history_of(context, [("ridge", 0.1), ("dummy", 1.0)])
    usage = limits_of(1.5, 0.1)
    final = build(history, context, now, usage=usage)
    assert members_of(final) == ["dummy"]
    message = (
        r"exceeds max_predict_ms=1.5 \(it needs 2 ms, of which 1 ms without any "
        r"pipeline\) and max_megabytes=0.1 \(it needs 0.2 MB, .* of the 2 pipelines"
    )
    with pytest.warns(UsageLimitWarning, match=message):
        used = usage.finish(bytes(200_000), final, context)
    assert used == pytest.approx((2.0, 0.2), rel=1e-3)
    assert issubclass(UsageLimitWarning, SklearnMetaWarning)


def test_guesses_that_were_wrong_are_replaced_by_measurements(now):
    context = context_of()
    history = History()
    # The validation says that ridge is fast and the other one slow.
    for learner, error, seconds in [("ridge", 0.5, 1e-4), ("dummy", 1.0, 4e-3)]:
        add(history, context, learner, error=error)
        folds = history[-1].folds
        for fold in folds:
            object.__setattr__(fold, "predict_seconds", seconds)
    measured = []
    final = build(history, context, now, usage=limits_of(4.5, measured=measured))
    assert members_of(final) == ["dummy"]
    assert ["ridge"] in measured


def test_members_that_take_longer_together_are_measured_together(now):
    context = context_of()
    history = history_of(context, [("ridge", 0.9), ("dummy", -1.0)])
    alone = limits_of(7.0)

    def measure(final):
        return alone.measure(final) * (2.0 if len(final.members) == 2 else 1.0)

    usage = UsageLimits(np.array([7.0, np.inf]), measure)
    final = build(history, context, now, usage=usage)
    assert members_of(final) == ["ridge"]
    assert usage.finish(None, final, context)[0] == 5.0


def test_noise_of_the_clock_does_not_go_on_for_ever(now):
    context = context_of()
    history = history_of(context, [("ridge", 1.0), ("dummy", -1.0), ("lasso", 0.9)])
    rng = np.random.default_rng(0)
    measured = []

    def measure(final):
        measured.append(final)
        return np.array([rng.uniform(1, 9), 0.0])

    usage = UsageLimits(np.array([1.0, np.inf]), measure)
    final = build(history, context, now, usage=usage)
    assert len(measured) < 30
    with pytest.warns(UsageLimitWarning):
        usage.finish(None, final, context)


def test_the_time_for_fits_may_be_over(now):
    context = context_of()
    history = history_of(context, [("ridge", 0.9), ("dummy", -1.0)], seconds=1.0)
    usage = limits_of(5.5)
    measure = usage.measure

    def slowly(final):
        now[0] += 400.0
        return measure(final)

    usage.measure = slowly
    final = build(history, context, now, usage=usage, budget=500.0)
    # The better one of those that were fitted and measured by then.
    assert members_of(final) == ["ridge"]
    assert now[0] < 3000


def test_a_search_leaves_time_for_measurements():
    plan = Plan(None, None, Budget(50.0), None, (), frozenset(), 1.0, 1)
    assert limits_of().plan_of_search(plan).budget.seconds == 50 * (1 - RESERVE_SHARE)
    assert NO_LIMITS.plan_of_search(plan) is plan
    endless = Plan(None, None, Budget(np.inf), None, (), frozenset(), 1.0, 1)
    assert limits_of().plan_of_search(endless).budget.seconds == np.inf
    assert usage_limits(None, None, None, None) is NO_LIMITS


def averaged(*learners):
    members = tuple(
        Member(Evaluation(i, Candidate(Node(o, (X,)), o, ""), Status.OK), (None,))
        for i, o in enumerate(learners)
    )
    n = len(members)
    combination = Combination("average", range(n), np.full(n, 1 / n))
    return FinalModel(members, combination, members[0])


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (9.0, ["ridge", "decision_tree", "dummy"]),
        (7.0, ["ridge", "decision_tree"]),
        (6.0, ["ridge", "dummy"]),
        (5.0, ["ridge"]),
        (3.5, ["decision_tree"]),
        (1.5, ["dummy"]),
    ],
)
def test_of_recommendations_the_first_ones_that_fit_are_kept(limit, expected):
    final = averaged("ridge", "decision_tree", "dummy")
    final = limits_of(limit).without_search(final, context_of())
    assert [m.evaluation.candidate.text for m in final.members] == expected
    assert final.best is final.members[0]
    assert_allclose(final.combination.weights, 1 / len(expected))


# Fits


def members_in(model):
    """Kinds of the learners of a fitted estimator."""
    texts = [model.history_[n].candidate.text for n in model.ensemble_weights_]
    return {text.partition("(")[0] for text in [*texts, model.best_pipeline_]}


@pytest.fixture
def slow_trees(monkeypatch):
    """Trees take 50 ms, whatever the machine is busy with."""

    def measured(model, row):
        assert model.predict(row).shape == (1,)
        return 1.0 + 49.0 * ("DecisionTree" in repr(model.ensemble_.members))

    monkeypatch.setattr(_usage_limits, "milliseconds_of_predict", measured)


@pytest.mark.parametrize("search", ["evolution", None])
def test_a_fit_keeps_a_limit_of_milliseconds(search, slow_trees):
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, size=(100, 1))
    y = np.sign(np.sin(9 * values[:, 0])) + 0.01 * rng.normal(size=100)
    settings = {
        "search": search,
        "meta_learner": Favorites(("decision_tree(X)", "ridge(X)")),
    }
    model = regressor(**settings).fit(values, y)
    assert "decision_tree" in members_in(model)
    assert np.isnan(model.predict_ms_) and np.isnan(model.megabytes_)
    assert not get_tags(model).non_deterministic
    model = regressor(**settings, max_predict_ms=20).fit(values, y)
    assert members_in(model) == {"ridge"}
    assert model.predict_ms_ == 1.0 and np.isnan(model.megabytes_)
    assert get_tags(model).non_deterministic


class Slow(RegressorMixin, BaseEstimator):
    """A learner that is right, predicts slowly and is large."""

    def fit(self, X, y):
        self.X_, self.y_ = X[:, 0], np.array(y)
        self.ballast_ = np.random.default_rng(0).uniform(size=250_000)
        return self

    def predict(self, X):
        time.sleep(0.2)
        nearest = np.abs(X[:, :1] - self.X_).argmin(axis=1)
        return self.y_[nearest]


@pytest.mark.slow
@pytest.mark.parametrize(
    "limit", [{}, {"max_predict_ms": 100}, {"max_megabytes": 0.5}], ids=str
)
def test_a_fit_measures_milliseconds_and_megabytes(limit):
    rng = np.random.default_rng(0)
    values = rng.uniform(-1, 1, size=(100, 1))
    y = np.sign(np.sin(9 * values[:, 0])) + 0.01 * rng.normal(size=100)
    slow = Operator("slow", "learner", f"{__name__}.Slow", cost=Cost(0.01))
    model = regressor(
        search_space=SearchSpace(include=["ridge", "decision_tree"], operators=(slow,)),
        meta_learner=Favorites(("slow(X)", "ridge(X)", "decision_tree(X)")),
        **limit,
    ).fit(values, y)
    assert ("slow" in members_in(model)) == (not limit)
    if "max_predict_ms" in limit:
        assert 0 < model.predict_ms_ <= 100
    if "max_megabytes" in limit:
        size = len(pickle.dumps(model)) / 1e6
        assert model.megabytes_ == pytest.approx(size, rel=0.1)
        assert size <= 0.5


def test_generous_limits_leave_the_model_as_it_is():
    for make, (frame, y) in ((classifier, people()), (regressor, prices())):
        plain = make().fit(frame, y)
        limited = make(max_predict_ms=1e5, max_megabytes=1e3).fit(frame, y)
        assert_array_equal(limited.predict(frame), plain.predict(frame))
        assert limited.ensemble_weights_ == plain.ensemble_weights_
        assert 0 < limited.predict_ms_ < 1e5
        size = len(pickle.dumps(limited)) / 1e6
        assert limited.megabytes_ == pytest.approx(size, rel=0.1)


def test_nothing_is_small_enough():
    with pytest.warns(UsageLimitWarning, match="max_megabytes=0.0001") as record:
        model = classifier(max_megabytes=1e-4).fit(*people())
    assert record[0].filename == __file__
    assert len(model.ensemble_weights_) == 1


def test_limits_may_change_between_fits(tmp_path):
    frame, y = people()
    model = classifier(warm_start=True).fit(frame, y)
    first = model.history_
    model.set_params(max_megabytes=100.0).fit(frame, y)
    assert model.history_[: len(first)] == first
    path = tmp_path / "search.sqlite"
    model = classifier(checkpoint=path).fit(frame, y)
    again = classifier(checkpoint=path, max_predict_ms=1e5).fit(frame, y)
    assert again.history_ == model.history_
    assert again.predict_ms_ > 0


def test_a_record_of_the_rows_takes_a_small_part_of_the_megabytes():
    frame, y = people()
    model = classifier(max_megabytes=100.0).fit(frame, y)
    assert_array_equal(
        pickle.loads(pickle.dumps(model)).oof_predictions_, model.oof_predictions_
    )
    model.max_megabytes = 0.01
    loaded = pickle.loads(pickle.dumps(model))
    with pytest.raises(AttributeError, match="10% of max_megabytes"):
        loaded.oof_predictions_  # noqa: B018
