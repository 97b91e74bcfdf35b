"""Conformal intervals and sets, as functions of arrays and of fitted estimators."""

import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit
from scipy.stats import binom
from sklearn.base import clone
from sklearn.datasets import make_multilabel_classification
from sklearn.model_selection import TimeSeriesSplit

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.data._task import EXTRAPOLATION
from sklearn_meta.ensemble._conformal import (
    MAX_CALIBRATION_ROWS,
    MAX_KEPT,
    Intervals,
    SortedScores,
    Tails,
    class_scores,
    conformal,
    interval_score,
    label_scores,
    make_intervals,
    make_sets,
    usable,
)
from sklearn_meta.ensemble._cross_fitted import CrossFitted
from sklearn_meta.ensemble._decisions import decide
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.exceptions import OutOfFoldError, SklearnMetaWarning
from tests.contract.small import classifier, people, prices, regressor
from tests.ensemble.candidates import softmax

COVERAGES = (0.5, 0.8, 0.9, 0.95)


def rank_by_definition(scores, level):
    """The score of rank ceil((n + 1) level), as the papers write it."""
    n = len(scores)
    rank = int(np.ceil(round((n + 1) * level, 9)))
    return sorted(scores)[rank - 1] if rank <= n else np.inf


@pytest.mark.parametrize("n", [1, 9, 10, 19, 20, 99, 100, MAX_KEPT])
@pytest.mark.parametrize("level", [0.01, 0.5, 0.8, 0.9, 0.95, 0.99])
def test_quantiles_are_exact_up_to_the_rows_that_are_kept(rng, n, level):
    scores = rng.normal(size=n)
    found = SortedScores.of(scores).quantile(level)
    assert found == rank_by_definition(scores, level)


@pytest.mark.parametrize("n", [1_500, 20_000])
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9, 0.95, 0.99, 0.999])
def test_thinned_quantiles_are_a_little_larger(rng, n, level):
    scores = np.sort(rng.uniform(size=n))
    thinned = SortedScores.of(scores)
    assert len(thinned.values) <= MAX_KEPT
    exact, found = rank_by_definition(scores, level), thinned.quantile(level)
    share_outside = np.mean(scores > exact), np.mean(scores > found)
    assert exact <= found
    assert share_outside[1] >= share_outside[0] * 0.98 - 1 / n


@given(
    arrays(np.float64, st.integers(1, 40), elements=st.floats(-1e6, 1e6)),
    st.floats(0.01, 0.99),
    st.floats(0.01, 0.99),
)
def test_quantiles_are_monotone_and_ranks_are_right(scores, one, other):
    one, other = sorted([one, other])
    known = SortedScores.of(scores)
    assert known.quantile(one) <= known.quantile(other)
    q = known.quantile(other)
    if np.isfinite(q):
        n = len(scores)
        # As many scores are at most q, and q is the smallest one for which that holds.
        assert np.sum(scores <= q) >= (n + 1) * other - 1e-6
        assert np.sum(scores < q) < (n + 1) * other + 1e-6


@given(st.lists(st.integers(1, 5), min_size=3, max_size=30), st.floats(0.3, 0.95))
def test_equal_weights_and_none_are_the_same(values, level):
    scores = np.array(values, dtype=float)
    plain = SortedScores.of(scores)
    equal = SortedScores.of(scores, np.full(len(scores), 0.37))
    assert equal.total == pytest.approx(plain.total)
    assert equal.quantile(level) == plain.quantile(level)


def test_weights_are_frequencies_in_the_population(rng):
    # Rows with negative scores were drawn four times too often.
    scores = rng.normal(size=4_000)
    weight = np.where(scores < 0, 0.25, 1.0)
    known = SortedScores.of(scores, weight)
    assert known.total < 4_000
    population = rng.normal(size=100_000)
    drawn = population[(population > 0) | (rng.uniform(size=100_000) < 0.25)]
    assert np.mean(drawn <= known.quantile(0.9)) == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize("is_unequal", [False, True])
def test_coverage_of_exchangeable_rows_is_within_the_binomial_error(rng, is_unequal):
    # A prediction of zero, and a new row after n others, many times.
    n, repeats, coverage = 39, 2_000, 0.9
    held = 0
    for _ in range(repeats):
        errors = rng.exponential(size=n + 1)
        if is_unequal:
            tails = Tails(
                SortedScores.of(errors[:n]), SortedScores.of(-errors[:n]), False
            )
        else:
            tails = Tails(SortedScores.of(np.abs(errors[:n])), None, False)
        below, above = tails.distances(coverage)
        held += -below <= errors[n] <= above
    # The probability of rank 36 of 40 (of 38 and 38 for two tails).
    low, high = binom.ppf([1e-4, 1 - 1e-4], repeats, 0.9)
    assert low <= held <= high


def noisy(rng, n=800, scale=lambda x: 1.0 + 0 * x, skewed=False):
    """Out-of-fold predictions, targets, a table and folds."""
    x = rng.uniform(0, 3, size=n)
    noise = rng.exponential(size=n) - 0.7 if skewed else rng.normal(size=n)
    return x, x + scale(x) * noise, x[:, None], np.arange(n) % 5


def made(rng, part=3, **kwargs):
    p, y, X, fold = noisy(rng, **kwargs)
    seeded = np.random.default_rng(0)
    return make_intervals(p, y, X, part=fold % part, rng=seeded)


@pytest.mark.parametrize(
    "kwargs, is_scaled, is_unequal",
    [
        ({}, False, False),
        ({"scale": lambda x: 0.1 + x}, True, False),
        ({"skewed": True}, False, True),
        ({"scale": lambda x: 0.1 + x, "skewed": True}, True, True),
    ],
)
def test_what_shortens_intervals_is_used(rng, kwargs, is_scaled, is_unequal):
    intervals = made(rng, n=2_000, **kwargs)
    (tails,) = intervals.tails
    # What does not help is used now and then, by chance.
    assert tails.is_scaled or not is_scaled
    assert tails.below is not None or not is_unequal
    assert (intervals.scale_model is not None) == tails.is_scaled
    # On new rows: the coverage, and an interval score that is not larger than that of
    # constant width.
    p, y, X, _ = noisy(rng, n=20_000, **kwargs)
    constant = Tails(SortedScores.of(np.abs(y - p)), None, False)
    plain = Intervals((constant,), None, None)
    for coverage in COVERAGES:
        ends = intervals.around(p, X, coverage).T
        held = (ends[0] <= y) & (y <= ends[1])
        assert held.mean() == pytest.approx(coverage, abs=0.05)
        if coverage >= 0.8:
            score = interval_score(y, *ends, coverage).mean()
            other = plain.around(p, X, coverage).T
            best = interval_score(y, *other, coverage).mean()
            assert score < (best if is_scaled or is_unequal else 1.03 * best)


def test_intervals_of_constant_width_are_those_of_split_conformal_prediction(rng):
    p, y, X, fold = noisy(rng, n=200)
    intervals = make_intervals(p, y, X, part=fold, rng=rng, scales=False)
    new = np.array([0.0, 5.0])
    for coverage in COVERAGES:
        q = rank_by_definition(np.abs(y - p), coverage)
        expected = np.column_stack([new - q, new + q])
        found = intervals.around(new, np.zeros((2, 1)), coverage)
        np.testing.assert_allclose(found, expected)


@given(
    arrays(np.float64, st.integers(12, 60), elements=st.floats(-50, 50)),
    st.floats(0.05, 0.99),
    st.floats(0.05, 0.99),
)
def test_intervals_grow_with_the_coverage(errors, one, other):
    one, other = sorted([one, other])
    unequal = Tails(SortedScores.of(errors), SortedScores.of(-errors), False)
    for tails in (unequal, Tails(SortedScores.of(np.abs(errors)), None, False)):
        narrow, wide = tails.distances(one), tails.distances(other)
        assert narrow[0] <= wide[0] and narrow[1] <= wide[1]
        assert narrow[0] + narrow[1] >= 0


@pytest.mark.parametrize("shift, unit", [(0.0, 1e-6), (1e7, 1.0), (-40.0, 1e5)])
def test_the_unit_and_the_location_of_the_target_do_not_matter(rng, shift, unit):
    p, y, X, fold = noisy(rng, scale=lambda x: 0.1 + x)
    found = [
        make_intervals(
            shift + unit * p,
            shift + unit * y,
            X,
            part=fold % 3,
            rng=np.random.default_rng(0),
        ).around(shift + unit * p, X, 0.9)
        for shift, unit in [(0.0, 1.0), (shift, unit)]
    ]
    np.testing.assert_allclose((found[1] - shift) / unit, found[0], atol=1e-2)


def test_several_targets_have_intervals_of_their_own(rng):
    p, y, X, fold = noisy(rng)
    both = np.column_stack([p, 100 * p]), np.column_stack([y, 100 * y])
    intervals = make_intervals(*both, X, part=fold % 3, rng=rng)
    ends = intervals.around(both[0], X, 0.9)
    assert ends.shape == (800, 2, 2)
    np.testing.assert_allclose(ends[:, :, 1], 100 * ends[:, :, 0], rtol=1e-9)


def test_intervals_end_at_the_smallest_possible_value(rng):
    p, y, X, fold = noisy(rng)
    intervals = make_intervals(p, y, X, part=fold, rng=rng, lowest=0.5)
    ends = intervals.around(p, X, 0.9)
    free = make_intervals(p, y, X, part=fold, rng=rng).around(p, X, 0.9)
    np.testing.assert_allclose(ends, np.maximum(free, 0.5), atol=0.5)
    assert ends.min() == 0.5


def test_errors_of_zero_have_intervals_of_width_zero(rng):
    p, _, X, fold = noisy(rng)
    ends = make_intervals(p, p, X, part=fold, rng=rng).around(p, X, 0.9)
    np.testing.assert_array_equal(ends, np.column_stack([p, p]))


def test_the_record_is_small_however_many_rows_there_are(rng):
    intervals = made(rng, n=20_000, scale=lambda x: 0.1 + x, skewed=True)
    assert len(pickle.dumps(intervals)) < 60_000
    again = pickle.loads(pickle.dumps(intervals))
    p, _, X, _ = noisy(rng, n=50)
    np.testing.assert_array_equal(again.around(p, X, 0.9), intervals.around(p, X, 0.9))


@pytest.mark.parametrize("seconds, elapsed", [(60.0, 0.0), (60.0, 59.9), (5.0, 0.0)])
def test_the_scale_takes_a_small_share_of_the_time(rng, seconds, elapsed):
    p, y, X, fold = noisy(rng, scale=lambda x: 0.1 + x)
    task = SimpleNamespace(is_classifier=False, lowest=None)
    context = SimpleNamespace(
        dataset=SimpleNamespace(X=X, copy_of=None, groups=None, task=task),
        extrapolation=EXTRAPOLATION,
        seed=0,
    )
    final = SimpleNamespace(out_of_fold=CrossFitted(p, y, None, fold))
    budget = Budget(seconds, clock=lambda: elapsed, start=0.0)
    made = conformal(final, context, budget)
    assert (made.scale_model is not None) == (seconds == 60.0 and elapsed == 0.0)
    assert made.n_rows == 800 and not made.note


def test_of_many_rows_some_are_drawn(rng):
    p, y, X, fold = noisy(rng, n=30_000)
    fold[::3] = -1
    p[::3] = np.nan
    task = SimpleNamespace(is_classifier=False, lowest=None)
    context = SimpleNamespace(
        dataset=SimpleNamespace(X=X, copy_of=None, groups=None, task=task),
        extrapolation=EXTRAPOLATION,
        seed=0,
    )
    weight = rng.uniform(0.5, 1.5, size=30_000)
    final = SimpleNamespace(out_of_fold=CrossFitted(p, y, weight, fold))
    made = conformal(final, context, Budget(1.0))
    assert 0.8 * MAX_CALIBRATION_ROWS < made.n_rows < MAX_CALIBRATION_ROWS
    assert np.isfinite(made.around(p[1:2], X[1:2], 0.99)).all()


def classes(rng, n=1_000, n_classes=4, sharpness=1.0):
    logits = sharpness * rng.normal(size=(n, n_classes))
    p = softmax(logits)
    return p, np.array([rng.choice(n_classes, p=row) for row in p])


@pytest.mark.parametrize("decision", [None, np.array([1.0, 0.0, 0.0, -1.0])])
def test_sets_hold_the_true_class_and_the_predicted_one(rng, decision):
    p, y = classes(rng)
    sets = make_sets(p, y, decision=decision)
    new_p, new_y = classes(rng, n=10_000)
    rows = np.arange(len(new_y))
    predicted = decide(new_p, decision)
    sizes = []
    for coverage in COVERAGES:
        found = sets.of(new_p, decision, coverage)
        assert found.dtype == bool and found.shape == new_p.shape
        assert found[rows, predicted].all()
        accuracy = np.mean(predicted == new_y)
        expected = max(coverage, accuracy)
        assert found[rows, new_y].mean() == pytest.approx(expected, abs=0.035)
        sizes.append(found.sum(axis=1))
    assert all((a <= b).all() for a, b in zip(sizes[:-1], sizes[1:], strict=True))


def test_sets_are_not_larger_than_those_of_probabilities_with_the_best_class(rng):
    p, y = classes(rng)
    new_p, _ = classes(rng)
    for coverage in COVERAGES:
        q = rank_by_definition(1 - p[np.arange(len(y)), y], coverage)
        plain = (1 - new_p <= q) | np.eye(4, dtype=bool)[new_p.argmax(axis=1)]
        found = make_sets(p, y).of(new_p, None, coverage)
        assert (found <= plain).all()


def test_a_sure_classifier_has_sets_of_one_class(rng):
    p, y = classes(rng, sharpness=30.0)
    assert (make_sets(p, y).of(p, None, 0.8).sum(axis=1) == 1).all()


def test_scores_by_hand():
    p = np.array([[0.5, 0.3, 0.2], [0.2, 0.2, 0.6]])
    np.testing.assert_allclose(class_scores(p), [[0, 0.7, 0.8], [0.8, 0.8, 0]])
    offsets = np.array([0.0, 5.0, 0.0])
    np.testing.assert_allclose(class_scores(p, offsets), [[0.5, 0, 0.8], [0.8, 0, 0.4]])
    labels = label_scores(np.array([[0.7, 0.2]]), np.array([0.5, 0.1]))
    np.testing.assert_allclose(labels, [[[0.7, 0], [0.2, 0]]])
    score = interval_score(np.array([0.0, 5.0]), -1.0, 1.0, 0.9)
    np.testing.assert_allclose(score, [2.0, 2.0 + 20 * 4.0])


def test_each_label_has_its_coverage(rng):
    def draw(n):
        p = expit(1.5 * rng.normal(size=(n, 3)))
        return p, (rng.uniform(size=p.shape) < p).astype(int)

    sets = make_sets(*draw(2_000))
    p, y = draw(10_000)
    found = sets.of(p, None, 0.9)
    assert found.shape == (10_000, 3, 2)
    held = np.take_along_axis(found, y[:, :, None], axis=2)[:, :, 0]
    np.testing.assert_allclose(held.mean(axis=0), 0.9, atol=0.025)
    assert np.take_along_axis(found, (p > 0.5)[:, :, None] * 1, axis=2).all()


@pytest.mark.parametrize("coverage", [0.0, 1.0, -0.5, 90, "0.9", None, np.nan])
def test_a_coverage_outside_of_the_range_is_an_error(rng, coverage):
    with pytest.raises(ValueError, match=r"'coverage' .* Name .*\(0.0, 1.0\). Got"):
        usable(made(rng), coverage, "Name", "")


def test_too_few_rows_are_an_error_that_names_the_way_out(rng):
    few = make_sets(*classes(rng, n=19))
    assert usable(few, 0.9, "Name", "") is few
    message = r"coverage=0.95 needs .* = 20 rows. Got 19 .* at most 0.947"
    with pytest.raises(OutOfFoldError, match=message):
        usable(few, 0.95, "Name", "")
    assert usable(make_sets(*classes(rng, n=20)), 0.95, "Name", "").n_rows == 20


@pytest.fixture(scope="module")
def of_prices():
    X, y = prices(150)
    # Errors that are more than the shrinkage of a fold model of fewer rows.
    y = y + np.random.default_rng(0).normal(scale=0.5, size=150)
    return regressor(cv=3).fit(X[:120], y[:120]), X, y


def test_a_fitted_regressor_has_intervals(of_prices):
    model, X, y = of_prices
    ends = model.predict_interval(X[120:], coverage=0.9)
    assert ends.shape == (30, 2)
    held = (ends[:, 0] <= y[120:]) & (y[120:] <= ends[:, 1])
    assert held.mean() > 0.7
    predicted = model.predict(X[120:])
    assert (ends[:, 0] <= predicted).all() and (predicted <= ends[:, 1]).all()
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_interval(X[120:]), ends)


def test_intervals_are_made_of_the_out_of_fold_predictions(of_prices):
    model, X, y = of_prices
    errors = np.abs(y[:120] - model.oof_predictions_)
    (tails,) = model._conformal.tails
    if not tails.is_scaled and tails.below is None:
        q = rank_by_definition(errors, 0.8)
        ends = model.predict_interval(X, 0.8)
        np.testing.assert_allclose(ends[:, 1] - model.predict(X), q)


def test_a_fitted_classifier_has_sets_of_its_classes():
    X, y = people(150)
    model = classifier(cv=3).fit(X[:120], y[:120])
    sets = model.predict_set(X[120:], 0.9)
    assert sets.shape == (30, 2) and sets.any(axis=1).all()
    index = np.searchsorted(model.classes_, model.predict(X[120:]))
    assert sets[np.arange(30), index].all()
    assert not hasattr(model, "predict_interval")


def test_sets_of_several_labels():
    X, Y = make_multilabel_classification(100, n_classes=3, random_state=0)
    model = classifier().fit(X, Y)
    sets = model.predict_set(X, 0.8)
    assert sets.shape == (100, 3, 2)
    predicted = model.predict(X)[:, :, None]
    assert np.take_along_axis(sets, predicted, axis=2).all()


def test_groups_and_temporal_order_are_warned_of():
    X, y = prices()
    grouped = regressor().fit(X, y, groups=np.arange(120) // 4)
    with pytest.warns(SklearnMetaWarning, match="in groups") as caught:
        grouped.predict_interval(X)
    assert caught[0].filename == __file__
    ordered = regressor(cv=TimeSeriesSplit(3)).fit(X, y)
    with pytest.warns(SklearnMetaWarning, match="temporal order"):
        assert ordered.predict_interval(X).shape == (120, 2)


def test_without_a_search_there_are_no_intervals():
    X, y = prices()
    model = regressor(search=None, ensemble_size=1).fit(X, y)
    with pytest.raises(OutOfFoldError, match="search=None"):
        model.predict_interval(X)


def test_intervals_of_counts_are_not_negative(rng):
    x = rng.uniform(0, 3, size=200)
    y = rng.poisson(x)
    model = regressor(scoring="neg_mean_poisson_deviance").fit(x[:, None], y)
    ends = model.predict_interval(x[:, None], 0.95)
    assert ends.min() >= 0 and (ends[:, 1] > 0).all()


def test_a_clone_and_an_unfitted_estimator_have_none(of_prices):
    model, X, _ = of_prices
    for unfitted in (clone(model), MetaAutoRegressor()):
        with pytest.raises(ValueError, match="not fitted"):
            unfitted.predict_interval(X)


@pytest.mark.filterwarnings("ignore:120 of the 180 rows are copies")
@pytest.mark.parametrize("kind", ["weights", "copies"])
def test_repeated_rows_count_once(kind):
    X, y = prices(60)
    if kind == "weights":
        model = regressor().fit(X, y, sample_weight=np.full(60, 3.0))
    else:
        model = regressor().fit(X.loc[np.repeat(X.index, 3)], np.repeat(y, 3))
    assert model._conformal.n_rows == pytest.approx(60)
