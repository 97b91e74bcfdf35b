"""The estimate of the score on new rows, against plain loops and known truths."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from sklearn_meta.ensemble import (
    LogLoss,
    SquaredError,
    _honest_score,
    greedy_selection,
)
from sklearn_meta.ensemble._choose_combination import Choice, choose
from sklearn_meta.ensemble._combination import SINGLE, STACK, Combination
from sklearn_meta.ensemble._contenders import DIVERSE, GREEDY
from sklearn_meta.ensemble._honest_score import (
    LEVELS,
    MIN_DRAWS,
    MIN_UNITS,
    ROW_METRICS,
    Bootstrap,
    greedy_on_draws,
    honest_score,
)
from tests.ensemble.candidates import class_candidates, target_candidates

N_FOLDS = 5


def problem_of(y, predictions, metric="neg_log_loss", **changes):
    n = len(y)
    row_metric = ROW_METRICS.get(metric)
    classifies = y.dtype.kind == "i"
    arguments = {
        "repeats": (),
        "numbers": np.arange(n)[None] % N_FOLDS,
        "sample_weight": None,
        "units": np.arange(n),
        "scores": np.zeros(len(predictions)),
        "kinds": range(len(predictions)),
        "size": 25,
        "classifies": classifies,
        "compared": row_metric,
        "scored": row_metric,
        "score": None,
    }
    return Bootstrap(predictions=predictions, y=y, **(arguments | changes))


def choice_of(n, rule=SINGLE, members=(0,), elsewhere=None, averages=()):
    folds = tuple(np.arange(i, n, N_FOLDS) for i in range(N_FOLDS))
    if rule == SINGLE:
        combination = Combination.single(members[0])
    else:
        share = np.full(len(members), 1 / len(members))
        combination = Combination("average", members, share)
    elsewhere = (combination,) * N_FOLDS if elsewhere is None else elsewhere
    return Choice(combination, folds, elsewhere, rule, averages)


def draws(n_units, n_draws, seed=0):
    """How often each unit is in each draw."""
    rng = np.random.default_rng(seed)
    share = np.full(n_units, 1 / n_units)
    return rng.multinomial(n_units, share, size=n_draws)


def summary(values, finish=np.asarray):
    low, high = np.quantile(finish(values), LEVELS, method="weibull")
    return float(finish(np.mean(values))), low, high


def result(honest):
    assert not honest.note
    return honest.score, honest.low, honest.high


# Against plain loops


@pytest.mark.parametrize("weighted", [False, True])
def test_the_best_candidate_of_each_draw_is_scored_on_the_other_rows(rng, weighted):
    y, p = class_candidates(rng, n=60, noise=(1.0, 1.0, 1.2, 1.4))
    weight = rng.uniform(0.5, 2, size=60) if weighted else None
    units = np.arange(60) // 2
    problem = problem_of(y, p, sample_weight=weight, units=units)
    honest = honest_score(problem, choice_of(60), seed=0, n_draws=30)
    w, values = np.ones(60) if weight is None else weight, []
    for counts in draws(30, 30):
        rows = np.repeat(np.arange(60), counts[units])
        others = np.flatnonzero(counts[units] == 0)
        losses = [
            log_loss(y[rows], q[rows], sample_weight=w[rows], labels=range(3))
            for q in p
        ]
        best = p[np.argmin(losses)]
        values.append(
            -log_loss(y[others], best[others], sample_weight=w[others], labels=range(3))
        )
    assert_allclose(result(honest), summary(values), rtol=1e-6)


def test_errors_of_repeated_folds_are_those_of_one_fit(rng):
    y = rng.normal(size=(40, 2))
    repeats = [
        y + s * rng.normal(size=(2, 40, 2)) + 0.3 * rng.normal() for s in (1.0, 1.1)
    ]
    problem = problem_of(
        y, [r.mean(axis=0) for r in repeats], "neg_root_mean_squared_error",
        repeats=repeats, numbers=np.zeros((2, 40), int),
    )  # fmt: skip
    honest = honest_score(problem, choice_of(40), seed=0, n_draws=25)
    squares = []
    for counts in draws(40, 25):
        drawn = [np.average((r - y) ** 2, axis=1, weights=counts) for r in repeats]
        roots = [np.sqrt(d.mean(axis=0)).mean() for d in drawn]
        best = repeats[np.argmin(roots)]
        squares.append(np.mean((best - y)[:, counts == 0] ** 2, axis=(0, 1)))
    roots = -np.sqrt(squares).mean(axis=1)
    low, high = np.quantile(roots, LEVELS, method="weibull")
    expected = -np.sqrt(np.mean(squares, axis=0)).mean(), low, high
    assert_allclose(result(honest), expected)


@pytest.mark.parametrize("is_log_loss", [True, False])
def test_greedy_selections_of_all_draws_are_those_of_each(rng, is_log_loss):
    if is_log_loss:
        y, p = class_candidates(rng, n=80, noise=(1.0, 1.0, 1.2, 1.4))
        profiles = np.stack([q[np.arange(80), y] for q in p])
    else:
        y, p = target_candidates(rng, n=80, noise=(1.0, 1.0, 1.2, 1.4))
        profiles = np.stack([q - y for q in p])
    counts = draws(80, 6)
    found = greedy_on_draws(
        np.tile(profiles, (6, 1, 1)), counts / 80, 12, is_log_loss=is_log_loss
    )
    loss = LogLoss if is_log_loss else SquaredError
    for weight, selected in zip(counts, found, strict=True):
        expected = greedy_selection(p, loss(y, weight), size=12)
        assert_array_equal(selected, expected)


def test_a_greedy_average_of_each_draw_is_scored_on_the_other_rows(rng):
    y, p = class_candidates(rng, n=60, noise=(1.0,) * 4)
    choice = choice_of(60, GREEDY, (0, 1))
    honest = honest_score(problem_of(y, p), choice, seed=0, n_draws=25)
    values = []
    for counts in draws(60, 25):
        shares = greedy_selection(p, LogLoss(y, counts), size=25).astype(float)
        shares[shares < 0.05 * shares.sum()] = 0
        combined = np.tensordot(shares / shares.sum(), p, 1)
        values.append(LogLoss(y[counts == 0])(combined[counts == 0]))
    # In single precision, one of several equally good steps may be another one.
    assert_allclose(result(honest), summary(values), rtol=1e-3)


def test_of_many_rows_some_are_enough_to_weigh(rng, monkeypatch):
    y, p = class_candidates(rng, n=400, noise=(1.0,) * 4)
    problem, choice = problem_of(y, p), choice_of(400, GREEDY, (0, 1))
    whole = honest_score(problem, choice, seed=0, n_draws=30)
    monkeypatch.setattr(_honest_score, "MAX_GREEDY_VALUES", 150)
    some = honest_score(problem, choice, seed=0, n_draws=30)
    assert some.score != whole.score
    assert_allclose(result(some), result(whole), rtol=0.05)


def test_an_average_of_kinds_takes_the_best_one_of_each(rng):
    y, f = target_candidates(rng, n=50, noise=(1.0, 1.1, 1.0, 1.1))
    kinds = ["a", "a", "b", "b"]
    problem = problem_of(y, f, "neg_mean_squared_error", kinds=kinds)
    choice = choice_of(50, DIVERSE, (0, 2))
    honest = honest_score(problem, choice, seed=0, n_draws=20)
    values = []
    for counts in draws(50, 20):
        errors = [np.average((g - y) ** 2, weights=counts) for g in f]
        mean = (f[np.argmin(errors[:2])] + f[2 + np.argmin(errors[2:])]) / 2
        values.append(-np.mean((mean - y)[counts == 0] ** 2))
    assert_allclose(result(honest), summary(values))


def test_a_stack_gains_on_its_average_what_it_gains_out_of_fold(rng):
    y, f = target_candidates(rng, n=50, noise=(1.0, 1.0))
    f = [g + 2.0 for g in f]
    average = Combination("average", (0, 1), [0.5, 0.5])
    stack = Combination(STACK, (0, 1), [0.5, 0.5], np.array(-2.0))
    of = choice_of(50, STACK, (0, 1), (stack,) * N_FOLDS, (average,) * N_FOLDS)
    problem = problem_of(y, f, "neg_mean_squared_error")
    honest = honest_score(problem, of, seed=0, n_draws=30)
    plain = honest_score(problem, choice_of(50, GREEDY, (0, 1)), seed=0, n_draws=30)
    values = []
    for counts in draws(50, 30):
        out = counts == 0
        errors = ((f[0] + f[1]) / 2 - y)[out]
        values.append(np.mean(errors**2) - np.mean((errors - 2) ** 2))
    assert honest.score == pytest.approx(plain.score + np.mean(values))


def auc(y):
    return lambda p, rows: roc_auc_score(y[rows], p[:, 1])


@pytest.mark.parametrize("by_fold", [True, False])
def test_rankings_are_scored_fold_by_fold(rng, by_fold):
    y, p = class_candidates(rng, n=300, n_classes=2, noise=(1.0, 1.0))
    choice = choice_of(300, elsewhere=[Combination.single(i % 2) for i in range(5)])
    problem = problem_of(
        y, p, "roc_auc", score=auc(y), by_fold=by_fold, is_fast=False
    )  # fmt: skip
    honest = honest_score(problem, choice, seed=0, n_draws=20)
    number, values = np.arange(300) % N_FOLDS, []
    across = np.where((number % 2 == 0)[:, None], p[0], p[1])
    for counts in draws(300, 20):
        out = np.flatnonzero(counts == 0)
        parts = [out[number[out] == k] for k in range(N_FOLDS)] if by_fold else [out]
        values.append(np.mean([auc(y)(across[rows], rows) for rows in parts]))
    assert_allclose(result(honest), summary(values))


def test_what_is_drawn_together_is_scored_together(rng):
    y, p = class_candidates(rng, n=60, n_classes=2)
    units, seen = rng.permutation(np.arange(60) % 15), []

    def score(predictions, rows):
        seen.append(rows)
        return 0.5

    problem = problem_of(y, p, "other", score=score, units=units)
    honest_score(problem, choice_of(60), seed=0, n_draws=20)
    assert len(seen) == 20
    for rows in seen:
        assert_array_equal(np.sort(rows), np.flatnonzero(np.isin(units, units[rows])))


def test_decisions_are_tuned_on_the_drawn_rows_and_scored_on_the_others(rng):
    y, p = class_candidates(rng, n=60, n_classes=2)
    tuned, scored = [], []

    def decide(predictions, rows):
        assert_allclose(predictions, p[0][rows])
        tuned.append(rows)
        return lambda other: np.eye(2)[(other[:, 1] > 0.3).astype(int)]

    def score(predictions, rows):
        assert_array_equal(predictions[:, 1], p[0][rows, 1] > 0.3)
        scored.append(rows)
        return 0.0

    problem = problem_of(
        y, p[:1], "f1", score=score, decide=decide, compared=ROW_METRICS["neg_log_loss"]
    )
    honest_score(problem, choice_of(60), seed=0, n_draws=20)
    for drawn, out in zip(tuned, scored, strict=True):
        assert len(drawn) == 60
        assert_array_equal(np.union1d(drawn, out), np.arange(60))
        assert not np.isin(drawn, out).any()


# Against the truth


@pytest.mark.parametrize("rule", [SINGLE, GREEDY])
@pytest.mark.parametrize("metric", ["neg_log_loss", "accuracy"])
def test_the_luckiest_of_many_guesses_is_no_better_than_the_others(rng, rule, metric):
    n, n_candidates, biases, gains = 100, 100, [], []
    for _ in range(10):
        y = rng.integers(0, 2, size=n)
        p = rng.beta(20, 20, size=(n_candidates, n))
        predictions = list(np.stack([1 - p, p], axis=-1))
        row = ROW_METRICS[metric]
        values = [row.values(row.profile(y, q)).mean() for q in predictions]
        best = int(np.argmax(values))
        problem = problem_of(
            y, predictions, metric, scores=values,
            score=lambda q, rows, y=y: np.mean(q.argmax(axis=1) == y[rows]),
        )  # fmt: skip
        choice = choice_of(n, rule, (best, 0))
        honest = honest_score(problem, choice, seed=0, n_draws=60)
        # In the mean over infinitely many new rows, all guesses are as good.
        truth = np.mean(values)
        spread = np.std(values)
        biases.append((honest.score - truth) / spread)
        gains.append((values[best] - truth) / spread)
    assert np.mean(gains) > 2.0
    # An average of guesses is better than each by the log loss.
    most = 0.5 if rule == SINGLE or metric == "accuracy" else 4.0
    assert -0.5 < np.mean(biases) < most


def test_the_interval_holds_the_score_of_new_rows():
    rng = np.random.default_rng(0)
    inside, widths, bias = [], [], []
    known, new = slice(100), slice(100, None)
    for _ in range(100):
        logit = 1.5 * rng.normal(size=2_100)
        y = (rng.uniform(size=2_100) < expit(logit)).astype(int)
        p = expit(logit + rng.normal(size=(8, 2_100)))
        p = list(np.stack([1 - p, p], axis=-1))
        values = np.log([q[np.arange(len(y)), y] for q in p])
        scores = values[:, known].mean(axis=1)
        best = int(np.argmax(scores))
        problem = problem_of(y[known], [q[known] for q in p], scores=scores)
        honest = honest_score(problem, choice_of(100), seed=0, n_draws=100)
        truth = values[best, new].mean()
        inside.append(honest.low <= truth <= honest.high)
        error = np.std(values[best, known]) / np.sqrt(100)
        widths.append((honest.high - honest.low) / (2 * 1.96 * error))
        bias.append(((honest.score - truth) / error, (max(scores) - truth) / error))
    # All candidates are equally good: the best score is luck.
    honest, best = np.mean(bias, axis=0)
    assert best > 0.6
    assert abs(honest) < 0.25
    # Wider than a standard error over rows says, see the module.
    assert np.mean(inside) >= 0.93
    assert 1.0 < np.mean(widths) < 2.0


def differences_of_the_rules(seed):
    """The score by the short rule minus that by the whole one, in standard errors."""
    rng = np.random.default_rng(seed)
    y, p = class_candidates(rng, n=200, noise=(1.0, 1.1, 1.2, 1.3, 1.4, 1.5))
    folds = [np.arange(i, 200, N_FOLDS) for i in range(N_FOLDS)]

    def whole(y, p, folds):
        return choose(
            p, y, task="classification", metric="neg_log_loss", folds=folds,
            score=lambda q, rows: LogLoss(y[rows])(q),
        )  # fmt: skip

    choice = whole(y, p, folds)
    scores = [LogLoss(y)(q) for q in p]
    honest = honest_score(problem_of(y, p, scores=scores), choice, seed=0, n_draws=20)
    values = []
    for counts in draws(200, 20):
        rows = np.repeat(np.arange(200), counts)
        number = rows % N_FOLDS
        drawn = [np.flatnonzero(number == k) for k in range(N_FOLDS)]
        of_draw = whole(y[rows], [q[rows] for q in p], drawn).combination
        out = counts == 0
        combined = of_draw.apply([p[m][out] for m in of_draw.members])
        values.append(LogLoss(y[out])(combined))
    error = np.std(np.log(p[0][np.arange(200), y])) / np.sqrt(200)
    ours = np.array([honest.score, honest.low, honest.high])
    return (ours - [np.mean(values), min(values), max(values)]) / error


def test_the_short_rule_agrees_with_the_whole_one():
    differences = np.array([differences_of_the_rules(seed) for seed in range(3)])
    # The whole rule chooses between averages and stacks in each draw as well, and loses
    # a little by it.
    assert -0.1 < np.mean(differences[:, 0]) < 0.3
    assert np.abs(differences[:, 0]).max() < 0.5
    # Ends of the intervals.
    assert np.abs(differences[:, 1:]).max() < 1.0


# Without an estimate


def test_few_independent_rows_have_no_interval(rng):
    y, p = class_candidates(rng, n=60)
    problem = problem_of(y, p, units=np.arange(60) % (MIN_UNITS - 1))
    honest = honest_score(problem, choice_of(60), seed=0)
    assert np.isnan([honest.score, honest.low, honest.high]).all()
    assert f"at least {MIN_UNITS} independent" in honest.note


def test_draws_until_the_time_is_over_are_used_if_they_are_enough(rng):
    y, p = class_candidates(rng, n=60, n_classes=2)
    calls = []

    def stop():
        calls.append(1)
        return len(calls) > 30

    problem = problem_of(y, p, "other", score=auc(y))
    some = honest_score(problem, choice_of(60), seed=0, stop=stop)
    assert_allclose(
        result(some), result(honest_score(problem, choice_of(60), seed=0, n_draws=28))
    )
    calls.extend([1] * 100)
    none = honest_score(problem, choice_of(60), seed=0, stop=stop)
    assert f"time for 0 of 100 bootstrap draws, and at least {MIN_DRAWS}" in none.note


def test_an_undefined_metric_has_no_interval(rng):
    y, p = class_candidates(rng, n=60, n_classes=2)

    def score(predictions, rows):
        raise ValueError

    problem = problem_of(y, p, "other", score=score, is_fast=False)
    honest = honest_score(problem, choice_of(60), seed=0)
    assert honest.note == "The metric is undefined on 40 of 40 bootstrap draws."
