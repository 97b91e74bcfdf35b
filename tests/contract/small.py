"""Estimators, tables and learners with which a whole fit takes a moment."""

from __future__ import annotations

import contextlib
import os
import time
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning import FixedPortfolio, Prior, Proposal
from sklearn_meta.pipelines import Cost, Integer, Operator, SearchSpace, parse

CHEAP = SearchSpace(
    include=[
        "logistic_regression",
        "ridge",
        "gaussian_nb",
        "decision_tree",
        "standard_scaler",
    ],
    max_size=2,
)
SETTINGS = {
    "max_evaluations": 3,
    "search_space": CHEAP,
    # What is recalled from the built-in knowledge base changes with it.
    "meta_learner": FixedPortfolio(),
    "cv": 2,
    "random_state": 0,
}


def classifier(**changes):
    """A classifier that evaluates three cheap pipelines on two folds."""
    return MetaAutoClassifier(**{**SETTINGS, **changes})


def regressor(**changes):
    """A regressor that evaluates three cheap pipelines on two folds."""
    return MetaAutoRegressor(**{**SETTINGS, **changes})


def people(n=120):
    """A frame with categories and missing values, and who of them is a customer."""
    rng = np.random.default_rng(0)
    city = rng.choice(["Oslo", "Rome", "Lima"], size=n)
    age = rng.normal(40, 10, size=n)
    height = rng.normal(170, 10, size=n)
    frame = pd.DataFrame(
        {
            "city": pd.Series(city, dtype="category"),
            "age": age,
            "height": np.where(rng.uniform(size=n) < 0.1, np.nan, height),
        }
    )
    return frame, np.where((city == "Rome") | (age > 45), "yes", "no")


def prices(n=120):
    """A frame with categories and missing values, and a positive target."""
    frame, _ = people(n)
    by_city = frame["city"].map({"Oslo": 3.0, "Rome": 2.0, "Lima": 1.0}).astype(float)
    return frame, (by_city + frame["age"] / 20).to_numpy()


def texts(estimator):
    """What a fitted estimator has tried, in order."""
    return [evaluation.candidate.text for evaluation in estimator.history_]


class Favorites(BaseEstimator):
    """A meta-learner that recalls the same for every table.

    Parameters
    ----------
    pipelines : tuple of str
        Those that the space does not have are left out.
    n_pipelines : int or None
        How many of them; None recalls all.
    """

    def __init__(
        self,
        pipelines=("gaussian_nb(X)", "logistic_regression(X)", "decision_tree(X)"),
        n_pipelines=None,
    ):
        self.pipelines = pipelines
        self.n_pipelines = n_pipelines

    def fit(self, knowledge_base=None, y=None):
        return self

    def recall(self, dataset, *, catalog, time_budget, scoring=None):
        portfolio = []
        for text in self.pipelines[: self.n_pipelines]:
            # Others are not in this space.
            with contextlib.suppress(PipelineSyntaxError):
                portfolio.append(Proposal(parse(text, catalog=catalog)))
        return Prior(tuple(portfolio))


class Witness(ClassifierMixin, BaseEstimator):
    """A learner that leaves a note of the process that it was fitted in.

    Parameters
    ----------
    folder : str
        Gets one empty file, named by the number of the process.
    depth : int
        Nothing but a hyperparameter.
    """

    def __init__(self, folder, depth=1):
        self.folder = folder
        self.depth = depth

    def fit(self, X, y):
        (Path(self.folder) / str(os.getpid())).touch()
        # So long that one worker alone cannot do the work of two.
        time.sleep(0.2)
        self.classes_, counts = np.unique(y, return_counts=True)
        self.share_ = counts / len(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.share_, (len(X), 1))

    def predict(self, X):
        return np.full(len(X), self.classes_[np.argmax(self.share_)])


class Hoarder(Witness):
    """A learner that needs 400 MB."""

    def fit(self, X, y):
        np.ones(50_000_000)
        return super().fit(X, y)


def foreign_space(learner, folder):
    """A space of one learner that is not built in, which therefore gets a process."""
    operator = Operator(
        name="foreign",
        kind="learner",
        path=f"{__name__}.{learner.__name__}",
        hyperparameters=(Integer("depth", 1, 50, 1),),
        fixed={"folder": str(folder)},
        cost=Cost(0.1),
    )
    return SearchSpace(include=[], operators=(operator,), max_size=1)


def what_happened(estimator, X, y):
    """Score several numbers of a fitted search, for a search around it."""
    tried = texts(estimator)
    return {
        "score": estimator.score(X, y),
        "best_score": estimator.best_score_,
        "n_evaluations": len(tried),
        "n_members": len(estimator.ensemble_.members),
        "n_splits": estimator.n_splits_,
        "tried": zlib.crc32("\n".join(tried).encode()),
    }
