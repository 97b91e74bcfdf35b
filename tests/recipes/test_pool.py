"""The recipe of the pool: translation of published settings, and whose turn it is."""

import json

import pytest

from recipes import pool
from recipes._grid import GRID
from recipes._published import Inexpressible, Translator
from sklearn_meta.pipelines import default_catalog, format_tree, parse

TASKS = ("classification", "regression")
PREPARATION = {
    "data_preprocessor:feature_type:categorical_transformer:categorical_encoding"
    ":__choice__": "one_hot_encoding",
    "data_preprocessor:feature_type:numerical_transformer:imputation:strategy": "mean",
    "data_preprocessor:feature_type:numerical_transformer:rescaling"
    ":__choice__": "standardize",
    "feature_preprocessor:__choice__": "no_preprocessing",
}
FOREST = PREPARATION | {
    "classifier:__choice__": "random_forest",
    "classifier:random_forest:criterion": "entropy",
    "classifier:random_forest:max_features": "0.5",
    "classifier:random_forest:min_samples_leaf": "7",
    "classifier:random_forest:bootstrap": "False",
}


@pytest.fixture
def translator():
    return Translator(default_catalog("classification"))


def test_forest_of_autosklearn(translator):
    # An exponent of one half is the square root, which is our default.
    assert translator.autosklearn(FOREST) == (
        "random_forest(standard_scaler(impute(one_hot(X), strategy='mean', "
        "indicator=False)), criterion='entropy', min_samples_leaf=7, bootstrap=False)"
    )


def test_weights_of_classes_are_kept_or_the_setting_is_skipped(translator):
    weighted = {**FOREST, "balancing:strategy": "weighting"}
    assert "class_weight='balanced'" in translator.autosklearn(weighted)
    bayes = PREPARATION | {"classifier:__choice__": "gaussian_nb"}
    assert translator.autosklearn(bayes).startswith("gaussian_nb(")
    with pytest.raises(Inexpressible):
        translator.autosklearn({**bayes, "balancing:strategy": "weighting"})


def test_learner_that_we_do_not_have_is_skipped(translator):
    with pytest.raises(Inexpressible):
        translator.autosklearn(
            {**FOREST, "classifier:__choice__": "passive_aggressive"}
        )
    with pytest.raises(Inexpressible):
        translator.boosting_or_forest("CAT", {"depth": 6})


def test_values_a_little_out_of_range_are_clipped(translator):
    settings = {"num_leaves": 500, "learning_rate": 0.0123456, "lambda_l1": 1e-9}
    assert translator.boosting_or_forest("GBM", settings) == (
        "lightgbm(X, n_estimators=2000, learning_rate=0.0123, num_leaves=255, "
        "early_stopping=True)"
    )
    with pytest.raises(Inexpressible):
        translator.boosting_or_forest("lgbm", {**settings, "num_leaves": 5000})


@pytest.mark.parametrize("task", TASKS)
def test_grid_is_legal_and_without_repetitions(task):
    catalog = default_catalog(task)
    texts = [format_tree(parse(text, catalog=catalog)) for text in GRID[task]]
    assert len(set(texts)) == len(texts)


def test_learners_and_feature_steps_take_turns():
    texts = [
        "ridge(X)",
        "ridge(X, alpha=3.0)",
        "ridge(pca(X))",
        "svr(X)",
        "svr(pca(X))",
    ]
    order = [text for text, _ in pool.take_turns(dict.fromkeys(texts, ""))]
    learners = [pool.learner(text) for text in order]
    assert sorted(order) == sorted(texts)
    assert set(learners[:2]) == set(learners[2:4]) == {"ridge", "svr"}
    # The second ridge has another feature step than the first one.
    first, second = [text for text in order if text.startswith("ridge")][:2]
    assert pool.feature_step(first) != pool.feature_step(second)
    assert order == [
        text for text, _ in pool.take_turns(dict.fromkeys(texts[::-1], ""))
    ]


def test_pool_has_its_size_and_its_sources(tmp_path):
    forests = [
        {
            "family": "GBM",
            "settings": {"num_leaves": 20, "learning_rate": 0.05},
            "source": "some/repository configs/portfolio.py",
        },
        {
            "family": "rf",
            "task": "binary",
            "settings": {"max_leaves": 50},
            "source": "some/repository rf/binary.json",
        },
    ]
    name = "gradient_boosting_and_forests.json"
    (tmp_path / name).write_text(json.dumps(forests))
    (tmp_path / "pipelines.json").write_text("[]")
    texts = pool.build_pool("regression", tmp_path, size=1000)
    notes = {note for note in texts.values() if note.startswith("published")}
    assert notes == {"published: some/repository portfolio.py, GBM"}
    texts = pool.build_pool("classification", tmp_path, size=1000)
    assert "published: some/repository binary.json, rf" in texts.values()
    assert "lightgbm(X)" in texts and texts["lightgbm(X)"] == "default"
