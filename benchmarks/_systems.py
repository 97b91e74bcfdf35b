"""The systems that the main job compares, each a function that returns a fitted model.

The untuned models and their table preparation are those of the harness's own baselines
(`bench/adapters/baseline.py`), which need no installation beyond this package's.
"""

from __future__ import annotations

from contextlib import contextmanager
from unittest import mock

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks._tables import CLASSIFICATION, Split

NUMBERS = make_column_selector(dtype_include="number")
OTHERS = make_column_selector(dtype_exclude="number")
MOST_BINS = 255  # of HistGradientBoosting


def with_plain_columns(split):
    """Text as categories of the training rows, and plain column names.

    Levels that only the test part has become missing, and LightGBM refuses some
    characters in names. All the untuned models get this table.
    """
    X_train, X_test = split.X_train.copy(), split.X_test.copy()
    for column in X_train.columns:
        if not pd.api.types.is_numeric_dtype(X_train[column].dtype):
            categories = _text(X_train[column]).astype("category")
            X_train[column] = categories
            X_test[column] = pd.Categorical(
                _text(X_test[column]), categories=categories.cat.categories
            )
    names = [f"f{i}" for i in range(X_train.shape[1])]
    return Split(
        X_train.set_axis(names, axis=1),
        split.y_train,
        X_test.set_axis(names, axis=1),
        split.y_test,
    )


def _text(column):
    return column.astype(object).map(lambda v: None if pd.isna(v) else str(v))


def lightgbm(task, split, *, seed, n_jobs):
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if task == CLASSIFICATION else LGBMRegressor
    model = kind(random_state=seed, n_jobs=n_jobs, verbosity=-1)
    return model.fit(split.X_train, split.y_train)


def hist_gradient_boosting(task, split, *, seed, n_jobs):
    if task == CLASSIFICATION:
        kind = HistGradientBoostingClassifier
    else:
        kind = HistGradientBoostingRegressor
    model = kind(random_state=seed, categorical_features="from_dtype")
    categories = split.X_train.select_dtypes("category")
    if any(categories[c].nunique() > MOST_BINS for c in categories):
        preparation = make_column_transformer(
            (_ordinal_codes(), OTHERS), remainder="passthrough"
        )
        model = make_pipeline(preparation, model)
    return model.fit(split.X_train, split.y_train)


def random_forest(task, split, *, seed, n_jobs):
    kind = RandomForestClassifier if task == CLASSIFICATION else RandomForestRegressor
    model = make_pipeline(
        make_column_transformer(
            (SimpleImputer(strategy="median", keep_empty_features=True), NUMBERS),
            (_ordinal_codes(), OTHERS),
        ),
        kind(n_estimators=300, n_jobs=n_jobs, random_state=seed),
    )
    return model.fit(split.X_train, split.y_train)


def _ordinal_codes():
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )


def linear(task, split, *, seed, n_jobs):
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    levels = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False
    )
    if task == CLASSIFICATION:
        learner = LogisticRegression(max_iter=1000)
    else:
        learner = RidgeCV(np.logspace(-3, 3, 13))
    model = make_pipeline(
        make_column_transformer((numbers, NUMBERS), (levels, OTHERS)), learner
    )
    return model.fit(split.X_train, split.y_train)


UNTUNED = {
    "lightgbm": lightgbm,
    "hist_gradient_boosting": hist_gradient_boosting,
    "random_forest": random_forest,
    "linear": linear,
}


# What the product is measured with, and the same with one part switched off.
SEARCHES = (
    "sklearn_meta",
    "random_search",
    "without_recall",
    "without_re_ranking",
    "without_diversity",
    "without_racing",
    "without_ensemble",
    "without_maml",
    "five_folds",
)
SYSTEMS = (*SEARCHES, *UNTUNED)


def search_parameters(system):
    """Return the parameters by which a system differs from the default estimator."""
    from sklearn_meta.metalearning import FixedPortfolio, KNNMetaLearner
    from sklearn_meta.pipelines import SearchSpace

    return {
        "sklearn_meta": {},
        "random_search": {"search": "random"},
        "without_recall": {"meta_learner": FixedPortfolio()},
        "without_re_ranking": {"meta_learner": KNNMetaLearner(evidence=0.0)},
        "without_diversity": {"meta_learner": KNNMetaLearner(diversity=0.0)},
        "without_racing": {},
        "without_ensemble": {"ensemble_size": 1},
        "without_maml": {"search_space": SearchSpace(exclude=["maml"])},
        "five_folds": {"cv": 5},
    }[system]


@contextmanager
def parts_of(system):
    """Take away what no parameter switches off, while the block runs."""
    if system != "without_racing":
        yield
        return
    from sklearn_meta.evaluation._history import History
    from sklearn_meta.evaluation._racing import RacingRule

    def no_racing(history):
        return RacingRule(-np.inf, -np.inf, keep_models_from=history.keep_models_from)

    with mock.patch.object(History, "racing_rule", no_racing):
        yield


def make_automl(task, **parameters):
    """Return the unfitted estimator of `task`."""
    from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor

    kind = MetaAutoClassifier if task == CLASSIFICATION else MetaAutoRegressor
    return kind(**parameters)
