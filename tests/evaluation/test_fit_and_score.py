"""One candidate, fitted and scored stage by stage."""

import pickle
import random
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._loss import loss_of
from sklearn_meta.data._target_scale import TargetScale
from sklearn_meta.data._task import ClassificationTask, MultilabelTask, RegressionTask
from sklearn_meta.evaluation import _fit_and_score
from sklearn_meta.evaluation._cross_validation import Stage
from sklearn_meta.evaluation._duplicates import PredictionIndex, compared_values
from sklearn_meta.evaluation._fit_and_score import (
    EARLY_STOPPING_SHARE,
    EvaluationContext,
    candidate_seed,
    duplicate_of,
    evaluate_candidate,
    fit_pipeline,
    refit_candidate,
    schema_of_rows_to_come,
)
from sklearn_meta.evaluation._racing import RacingRule
from sklearn_meta.evaluation._scoring import make_scoring
from sklearn_meta.pipelines import (
    Catalog,
    Cost,
    Node,
    Operator,
    Schema,
    X,
    default_catalog,
    parse,
)

N = 60


def context_of(y, task, *, X=None, stages=None, **changes):
    """A context of three folds over rows in the order of their folds."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(len(y), 3)) if X is None else X
    if stages is None:
        rows = np.arange(len(y))
        folds = np.array_split(rows, 3)
        stages = [Stage(np.setdiff1d(rows, fold), fold) for fold in folds]
    return EvaluationContext(
        Dataset(X, y, schema_of(X), task, **changes),
        tuple(stages),
        make_scoring(None, task),
        default_catalog(task.name),
        seed=5,
    )


@pytest.fixture
def classes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = (X[:, 0] > 0).astype(np.int64)
    return context_of(y, ClassificationTask(np.array(["no", "yes"])), X=X)


@pytest.fixture
def targets():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    return context_of(X[:, 0] + 0.1 * rng.normal(size=N), RegressionTask(), X=X)


def tree_of(text, context):
    return parse(text, catalog=context.catalog)


def evaluate(context, text="decision_tree(X)", race=None):
    tree = tree_of(text, context)
    return list(evaluate_candidate(context, tree, text, race or RacingRule()))


def test_each_stage_gives_the_score_of_its_validation_rows(targets):
    results = evaluate(targets, "ridge(X)")
    assert [r.stage for r in results] == [0, 1, 2]
    for result, stage in zip(results, targets.stages, strict=True):
        truth = targets.dataset.y[stage.validation]
        error = np.sqrt(np.mean((result.predictions - truth) ** 2))
        assert result.score == pytest.approx(-error)
        assert -0.3 < result.score < 0
        assert result.predictions.dtype == np.float64
        assert result.fit_seconds > 0 and result.predict_seconds > 0
        assert result.model is None and result.iterations is None


LEARNERS = [
    "lightgbm(X)",
    "lightgbm(X, early_stopping=True)",
    "hist_gradient_boosting(X, early_stopping=True)",
    "decision_tree(X)",
    "extra_trees(X)",
    "bayesian_ridge(X)",
    "ridge(select_by_trees(X))",
    "ridge(stack(ridge(X), decision_tree(X)))",
    "transformed_target(lightgbm(X))",
    "lasso(X)",
]


@pytest.mark.parametrize("text", LEARNERS)
@pytest.mark.parametrize("weighted", [False, True])
def test_location_and_scale_of_the_target_change_nothing(text, weighted):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=150)
    y /= y.std()
    weight = rng.integers(1, 3, 150).astype(float) if weighted else None
    scores = {}
    for scale, offset in [(1.0, 0.0), (1.0, 1.7e9), (1e-9, 0.0), (1e12, 0.0)]:
        target = scale * y + offset
        task = RegressionTask(scale=TargetScale.of(target))
        context = context_of(target, task, X=X, sample_weight=weight)
        results = evaluate(context, text)
        scores[scale, offset] = [r.score / scale for r in results]
    expected = scores.pop((1.0, 0.0))
    assert max(expected) > -0.6
    for given in scores.values():
        # Ties between splits of trees are decided by rounding errors.
        assert np.mean(given) == pytest.approx(np.mean(expected), rel=0.2)


def test_outputs_in_small_units_are_learned_as_well():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(150, 2))
    y = np.column_stack([1e6 * X[:, 0], 1e-6 * X[:, 1]])
    context = context_of(y, RegressionTask(2, TargetScale.of(y)), X=X)
    result = evaluate(context, "extra_trees(X)")[0]
    truth = y[context.stages[0].validation]
    errors = np.mean((result.predictions - truth) ** 2, axis=0)
    assert (errors < 0.2 * truth.var(axis=0)).all()


def test_outputs_in_small_units_tell_candidates_apart():
    rng = np.random.default_rng(0)
    y = np.column_stack([1e9 + 1e3 * rng.normal(size=N), rng.normal(size=N)])
    context = context_of(y, RegressionTask(2, TargetScale.of(y)))
    other = y + np.array([0.0, 0.1]) * rng.normal(size=(N, 1))
    known = context.dataset.task.comparable(y)
    rule = RacingRule(
        prediction_index=PredictionIndex((7,), compared_values(known)[None])
    )
    assert duplicate_of(context, rule, y) == 7
    assert duplicate_of(context, rule, other) is None


def test_predictions_are_of_a_model_of_the_training_rows(targets):
    # A tree knows by heart what it was fitted on.
    own = replace(targets, stages=(Stage(np.arange(N), np.arange(N)),))
    assert evaluate(own)[0].score == pytest.approx(0, abs=1e-6)
    assert evaluate(targets)[0].score < -0.1


def test_the_same_candidate_gives_the_same_result_and_each_has_its_seed(classes):
    text = "extra_tree(X)"
    first, second = evaluate(classes, text), evaluate(classes, text)
    other = evaluate(replace(classes, seed=6), text)
    np.testing.assert_array_equal(first[0].predictions, second[0].predictions)
    assert (first[0].predictions != other[0].predictions).any()


def test_seeds_are_those_of_the_run_and_the_text():
    seeds = {candidate_seed(s, t) for s in (0, 1, 2**31 - 1) for t in ("a", "b", "é")}
    assert len(seeds) == 9
    assert all(0 <= seed < 2**31 for seed in seeds)


def test_a_lost_race_ends_after_the_fold(targets):
    assert len(evaluate(targets, race=RacingRule(floor=0.0))) == 1
    assert len(evaluate(targets, race=RacingRule(floor=-10.0))) == 3


def test_screening_decides_who_goes_on_and_does_not_count_in_the_race(targets):
    screening = Stage(np.arange(20), np.arange(20, 40), screening=True)
    context = replace(targets, stages=(screening, *targets.stages))
    assert (context.n_screening, context.n_splits) == (1, 3)
    assert len(evaluate(context, race=RacingRule(screening_floor=0.0))) == 1
    assert len(evaluate(context, race=RacingRule(screening_floor=-10.0))) == 4
    # The floor of the folds is that of the folds.
    assert len(evaluate(context, race=RacingRule(floor=0.0))) == 2


def test_a_duplicate_ends_after_its_first_fold(classes):
    first = evaluate(classes)[0].predictions
    known = PredictionIndex((7,), np.stack([compared_values(first)]))
    assert len(evaluate(classes, race=RacingRule(prediction_index=known))) == 1
    assert (
        len(
            evaluate(classes, "gaussian_nb(X)", race=RacingRule(prediction_index=known))
        )
        == 3
    )


@pytest.mark.parametrize(("seconds", "kept"), [(0.0, True), (1e3, False)])
def test_models_of_long_fits_are_kept(classes, seconds, kept):
    result = evaluate(classes, race=RacingRule(keep_models_from=seconds))[0]
    assert (result.model is not None) == kept
    if kept:
        rows = classes.dataset.X[classes.stages[0].validation]
        model = pickle.loads(result.model)
        np.testing.assert_allclose(model.predict_proba(rows), result.predictions)


def test_models_that_are_too_large_are_not(classes, monkeypatch):
    monkeypatch.setattr(_fit_and_score, "MAX_MODEL_BYTES", 100)
    assert evaluate(classes, race=RacingRule(keep_models_from=0.0))[0].model is None


@pytest.mark.parametrize(
    "text", ["decision_tree(X)", "lightgbm(X)", "lightgbm(X, early_stopping=True)"]
)
def test_a_class_that_is_missing_in_the_training_rows_has_no_probability(text):
    y = np.repeat([0, 1, 2], 20)
    context = context_of(y, ClassificationTask(np.array(["a", "b", "c"])))
    for fold, result in enumerate(evaluate(context, text)):
        # The folds are the classes.
        assert result.predictions.shape == (20, 3)
        assert (result.predictions[:, fold] == 0).all()
        np.testing.assert_allclose(result.predictions.sum(axis=1), 1, rtol=1e-5)
        assert np.isfinite(result.score)


@pytest.mark.parametrize(
    "text", ["decision_tree(X)", "lightgbm(X)", "lightgbm(X, early_stopping=True)"]
)
def test_several_labels(text):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=(N, 3))
    context = context_of(y, MultilabelTask(3, y.dtype))
    for result in evaluate(context, text):
        assert result.predictions.shape == (20, 3)
        assert np.isfinite(result.score)


def test_weights_of_the_rows_reach_fit_and_score():
    # Rows of weight zero say the opposite.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 1))
    weight = np.tile([1.0, 0.0], N // 2)
    y = np.where(weight > 0, X[:, 0], -X[:, 0])
    plain = context_of(y, RegressionTask(), X=X)
    weighted = context_of(y, RegressionTask(), X=X, sample_weight=weight)
    assert evaluate(weighted, "ridge(X)")[0].score > -0.1
    assert evaluate(plain, "ridge(X)")[0].score < -0.5


def test_predictions_that_are_not_finite_are_an_error(targets, monkeypatch):
    task = targets.dataset.task
    monkeypatch.setattr(
        type(task), "predict", lambda self, model, X: np.full(len(X), np.nan)
    )
    with pytest.raises(ValueError, match="predicts values that are not finite"):
        evaluate(targets)


def test_a_score_that_is_not_finite_is_an_error(targets):
    def only_the_truth(predictions, X, y, *args, **kwargs):
        return 1.0 if np.allclose(predictions, y) else np.nan

    with pytest.raises(ValueError, match="The score of the pipeline is nan"):
        evaluate(replace(targets, scoring=only_the_truth))


def test_what_a_scorer_raises_for_one_candidate_is_its_failure(targets):
    def only_the_truth(predictions, X, y, *args, **kwargs):
        return {True: 1.0}[np.allclose(predictions, y)]

    with pytest.raises(KeyError):
        evaluate(replace(targets, scoring=only_the_truth))


def undefined_where(rows_are_few):
    """The squared error, on parts that `rows_are_few(n)` leaves."""

    def scoring(predictions, X, y, *args, **kwargs):
        if rows_are_few(len(y)):
            raise ZeroDivisionError
        return -float(np.mean((predictions - y) ** 2))

    return scoring


def test_folds_without_a_score_for_any_predictions_do_not_count(targets):
    rows = np.arange(N)
    stages = tuple(Stage(np.setdiff1d(rows, f), f) for f in (rows[:5], rows[5:]))
    results = evaluate(
        replace(targets, stages=stages, scoring=undefined_where(lambda n: n < 6))
    )
    assert np.isnan(results[0].score) and results[1].score < 0
    assert results[1].pooled_score is None


def test_the_score_of_all_folds_together_stands_in_where_none_has_one(targets):
    scoring = undefined_where(lambda n: n < N)
    results = evaluate(replace(targets, scoring=scoring))
    assert np.isnan([r.score for r in results]).all() and len(results) == 3
    predictions = np.concatenate([r.predictions for r in results])
    expected = -np.mean((predictions - targets.dataset.y) ** 2)
    assert [r.pooled_score for r in results[:2]] == [None, None]
    assert results[2].pooled_score == pytest.approx(expected)
    with pytest.raises(ZeroDivisionError):
        evaluate(replace(targets, scoring=undefined_where(lambda n: True)))


def test_the_scorer_gets_the_metadata_of_the_validation_rows(targets):
    seen = []

    def scoring(predictions, X, y, sample_weight=None, metadata=None):
        seen.append((X[:, 0].tolist(), sample_weight, metadata["cost"].tolist()))
        return 0.0

    dataset = replace(targets.dataset, metadata={"cost": np.arange(N)})
    evaluate(replace(targets, dataset=dataset, scoring=scoring))
    for (x, weight, cost), stage in zip(seen, targets.stages, strict=True):
        assert x == dataset.X[stage.validation, 0].tolist()
        assert weight is None and cost == stage.validation.tolist()


# Early stopping


def early(y, task, text="lightgbm(X)", **changes):
    context = context_of(y, task, **changes)
    dataset = context.dataset
    return fit_pipeline(
        tree_of(text, context), dataset, dataset.X, y, dataset.sample_weight,
        context.catalog, 0, early_stopping=True, copy_of=dataset.copy_of,
    )  # fmt: skip


def test_early_stopping_chooses_the_rounds(targets):
    results = evaluate(targets, "lightgbm(X, early_stopping=True)")
    assert all(isinstance(r.iterations, int) and r.iterations >= 1 for r in results)
    # Noise is not worth a round more.
    rng = np.random.default_rng(0)
    _, of_noise = early(rng.normal(size=200), RegressionTask())
    X = rng.normal(size=(200, 3))
    _, of_signal = early(np.sin(3 * X[:, 0]) * X[:, 1], RegressionTask(), X=X)
    assert of_noise < of_signal


def test_early_stopping_watches_what_comes_out_of_the_preparation():
    rng = np.random.default_rng(0)
    pipeline, iterations = early(
        rng.normal(size=N), RegressionTask(), "lightgbm(standard_scaler(X))"
    )
    assert iterations >= 1
    # The preparation has not seen what is watched.
    assert pipeline[-2].n_samples_seen_ == N - int(EARLY_STOPPING_SHARE * N)
    assert pipeline.predict(rng.normal(size=(4, 3))).shape == (4,)


@pytest.mark.parametrize(("scale", "offset"), [(1, 1.7e9), (1e-9, 0), (1e12, 0)])
def test_early_stopping_does_not_depend_on_the_target_s_location_and_scale(
    scale, offset
):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.sin(3 * X[:, 0]) * X[:, 1]
    y /= y.std()
    _, expected = early(y, RegressionTask(), X=X)
    other = scale * y + offset
    task = RegressionTask(scale=TargetScale.of(other))
    pipeline, rounds = early(other, task, X=X)
    assert rounds == pytest.approx(expected, abs=3)
    errors = pipeline.predict(X) - other
    assert np.sqrt(np.mean(errors**2)) < 0.7 * scale
    weights = np.ones(200)
    assert early(other, task, X=X, sample_weight=weights)[1] == rounds


def test_early_stopping_with_weights():
    rng = np.random.default_rng(0)
    _, iterations = early(
        rng.integers(0, 2, N),
        ClassificationTask(np.arange(2)),
        sample_weight=rng.random(N),
    )
    assert iterations >= 1


def test_early_stopping_watches_no_copies_of_training_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(N, 3)), rng.normal(size=N)
    rows = np.repeat(np.arange(N), 5)
    changes = {"X": X[rows], "copy_of": rows}
    _, without_copies = early(y, RegressionTask(), X=X)
    _, with_copies = early(y[rows], RegressionTask(), **changes)
    _, copies_apart = early(y[rows], RegressionTask(), X=X[rows])
    # Noise is not worth many rounds, unless it is known already.
    assert max(without_copies, with_copies) < 20 < 50 < copies_apart


def test_rows_for_early_stopping_follow_their_copies():
    task, y = ClassificationTask(np.arange(2)), np.arange(40) % 2
    rows = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 3))
    once = _fit_and_score._watched_rows(task, y, 0)
    copies = _fit_and_score._watched_rows(task, y[rows], 0, 7 * rows)
    for part, of_copies in zip(once, copies, strict=True):
        np.testing.assert_array_equal(np.bincount(rows[of_copies])[part], 3)
        assert len(of_copies) == 3 * len(part)


def test_early_stopping_on_copies_of_one_row():
    changes = {"copy_of": np.zeros(6, dtype=int)}
    _, iterations = early(np.ones(6), RegressionTask(), **changes)
    assert iterations >= 1


@pytest.mark.parametrize("n_of_class", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_early_stopping_trains_on_the_rarest_classes(n_of_class, seed):
    y = np.zeros(N, dtype=int)
    y[:n_of_class] = 1
    y[-n_of_class:] = 2
    order = np.random.default_rng(seed).permutation(N)
    pipeline, _ = early(y[order], ClassificationTask(np.arange(3)))
    assert pipeline.classes_.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("y", "n_classes"),
    [
        (np.arange(8), 10),  # each class once, two in other folds
        (np.repeat([0, 1, 2], 2), 6),
        (np.repeat(np.arange(10), 2), 10),
        (np.array([0, 1]), 2),
    ],
)
def test_early_stopping_with_hardly_more_rows_than_classes(y, n_classes):
    pipeline, iterations = early(y, ClassificationTask(np.arange(n_classes)))
    assert iterations >= 1
    assert pipeline.classes_.tolist() == np.unique(y).tolist()


# Fits on all rows, or on some of them


def refitted(context, text="decision_tree(X)", iterations=None, n_rows=None):
    tree = tree_of(text, context)
    (model,) = refit_candidate(context, tree, text, iterations, n_rows)
    return pickle.loads(model.data)


def test_the_final_model_predicts_the_labels_of_the_user(classes):
    model = refitted(classes)
    assert model.classes_.tolist() == ["no", "yes"]
    decoded = classes.dataset.task.decode(classes.dataset.y)
    assert model.predict(classes.dataset.X).tolist() == decoded.tolist()


def test_the_final_model_takes_rows_that_lack_values(classes):
    rows = classes.dataset.X[:3].copy()
    rows[0] = np.nan
    assert refitted(classes, "logistic_regression(X)").predict(rows).shape == (3,)


def test_schemas_of_rows_to_come_expect_missing_values_everywhere():
    assert schema_of_rows_to_come(Schema(3)).missing == (0, 1, 2)
    assert schema_of_rows_to_come(Schema(3, sparse=True)).missing == ()


def test_the_rounds_of_the_folds_are_those_of_the_final_model(targets):
    model = refitted(targets, "lightgbm(X)", iterations=3)
    assert model[-1].n_estimators_ == 3


def test_some_rows_keep_every_class_and_their_weights():
    rng = np.random.default_rng(0)
    y = np.zeros(N, dtype=int)
    y[7] = 1
    X = rng.normal(size=(N, 3))
    weight = np.where(y == 1, 0.5, 1.0)
    context = context_of(y, ClassificationTask(np.arange(2)), X=X, sample_weight=weight)
    model = refitted(context, n_rows=10)
    assert model.classes_.tolist() == [0, 1]
    tree = model[-1].tree_
    n = tree.n_node_samples[0]
    assert n in (10, 11)  # whether it was drawn, or added
    assert tree.value[0, 0, 1] == pytest.approx(0.5 / (n - 0.5))
    assert refitted(context, n_rows=N)[-1].tree_.n_node_samples[0] == N


def test_a_fit_on_some_rows_is_one_on_a_sample():
    rng = np.random.default_rng(0)
    y = rng.normal(size=400)
    data = Dataset(rng.normal(size=(400, 1)), y, Schema(1), RegressionTask())
    context = EvaluationContext(data, (), None, default_catalog("regression"))
    tree = Node("decision_tree", (X,))
    models = [
        pickle.loads(next(refit_candidate(context, tree, "t", None, n)).data)
        for n in (None, 400, 100)
    ]
    n_leaves = [model[-1].get_n_leaves() for model in models]
    assert n_leaves[0] == n_leaves[1] > n_leaves[2]


def test_predictions_of_other_learners_are_bounded_in_folds_and_after():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 3))
    y = np.exp(X[:, 0]) + 0.01
    task = RegressionTask(loss=loss_of("neg_mean_gamma_deviance"), least=0.5)
    context = context_of(y, task, X=X)
    tree = parse("ridge(standard_scaler(X))", catalog=context.catalog)
    for fold in evaluate_candidate(context, tree, "ridge", RacingRule()):
        assert fold.predictions.min() == 0.5
    (model,) = refit_candidate(context, tree, "ridge", None)
    assert pickle.loads(model.data).predict(X).min() == 0.5


class DrawsGlobally(RegressorMixin, BaseEstimator):
    """A learner without a seed, as others write them."""

    def fit(self, X, y):
        self.value_ = float(np.random.normal() + random.random())
        return self

    def predict(self, X):
        return np.full(len(X), self.value_ + np.random.normal())


class WorksInPlace(DrawsGlobally):
    """A learner that overwrites what it is fitted to."""

    def fit(self, X, y):
        X -= X.mean(0)
        y[:] = 0
        return super().fit(X, y)


WORKS_IN_PLACE = Operator(
    "works_in_place",
    "learner",
    f"{__name__}.WorksInPlace",
    tasks=("regression",),
    cost=Cost(0.001),
)
DRAWS_GLOBALLY = Operator(
    "draws_globally",
    "learner",
    f"{__name__}.DrawsGlobally",
    tasks=("regression",),
    cost=Cost(0.001),
)


def test_learners_that_draw_from_the_global_generators_are_reproducible(targets):
    catalog = Catalog((*default_catalog("regression"), DRAWS_GLOBALLY), "regression")
    context = replace(targets, catalog=catalog)
    tree = tree_of("draws_globally(X)", context)
    numpy_state, python_state = np.random.get_state(), random.getstate()
    runs, models = [], []
    try:
        for n_drawn in (1, 2):
            scores = []
            for result in evaluate_candidate(context, tree, "text", RacingRule()):
                scores.append(result.score)
                # In the user's process, others draw between two stages.
                np.random.normal(size=n_drawn)
                random.random()
            runs.append(scores)
            (model,) = refit_candidate(context, tree, "text", None)
            models.append(pickle.loads(model.data)[-1].value_)
    finally:
        np.random.set_state(numpy_state)
        random.setstate(python_state)
    assert runs[0] == runs[1]
    assert models[0] == models[1]


@pytest.mark.parametrize("is_shared", [False, True])
def test_learners_that_work_in_place_leave_the_data_as_they_are(targets, is_shared):
    catalog = Catalog((*default_catalog("regression"), WORKS_IN_PLACE), "regression")
    context = replace(targets, catalog=catalog)
    dataset = context.dataset
    X, y = dataset.X.copy(), dataset.y.copy()
    # As in workers, where large arrays are shared.
    dataset.X.flags.writeable = dataset.y.flags.writeable = not is_shared
    tree = tree_of("works_in_place(X)", context)
    assert len(list(evaluate_candidate(context, tree, "text", RacingRule()))) == 3
    assert len(list(refit_candidate(context, tree, "text", None))) == 1
    np.testing.assert_array_equal(dataset.X, X)
    np.testing.assert_array_equal(dataset.y, y)
