"""Synthetic search problems and evaluations, and a loop that runs a search on them."""

from __future__ import annotations

import hashlib

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.evaluation._records import (
    GIVEN_UP,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.search._protocol import SearchProblem

# Operators of every kind, with and without hyperparameters: thousands of pipelines.
SOME_OPERATORS = (
    "impute", "one_hot", "standard_scaler", "pca", "select_percentile",
    "logistic_regression", "ridge", "decision_tree", "gaussian_nb", "calibrated",
    "transformed_target",
)  # fmt: skip

# A learner without hyperparameters, for spaces of one or a few pipelines.
PLAIN = Operator(
    "plain", "learner", "sklearn.naive_bayes.GaussianNB", tasks=(CLASSIFICATION,)
)


def make_problem(task="classification", *, space=None, **changes):
    """Make the search problem of a small table and a small space.

    Parameters
    ----------
    task : {"classification", "regression"}, default="classification"
    space : SearchSpace, default=None
        None for a dozen of the built-in operators.
    **changes
        Fields of `SearchProblem` to replace.

    Returns
    -------
    problem : SearchProblem
        Of 200 rows and 10 columns, with categories and missing values.

    Examples
    --------
    >>> from sklearn_meta.search import RandomSearch
    >>> from sklearn_meta.testing import make_problem
    >>> [candidate] = RandomSearch().start(make_problem()).ask(1)
    >>> candidate.origin
    'random'
    """
    space = SearchSpace(include=SOME_OPERATORS) if space is None else space
    catalog = space.catalog(task)
    settings = {
        "catalog": catalog,
        "max_size": space.max_size,
        "prior": Prior(),
        "n_samples": 200,
        "n_features": 10,
        "n_classes": 3 if catalog.is_classifier else 1,
        "has_categories": True,
        "has_missing": True,
        "seed": 0,
    }
    return SearchProblem(**{**settings, **changes})


def make_evaluation(number, candidate, status=Status.OK, score=None, n_folds=3):
    """Make a synthetic evaluation of a candidate.

    Parameters
    ----------
    number : int
        Position of the candidate in the run.
    candidate : Candidate
        What was evaluated.
    status : Status, default=Status.OK
        How the evaluation ended.
    score : float or None, default=None
        Score of every fold; None for a hash of the pipeline's text, in [0, 1).
    n_folds : int, default=3
        Number of finished folds where `status` is OK. There is one where the candidate
        was given up, and none where it failed.

    Returns
    -------
    evaluation : Evaluation
        Record without predictions.
    """
    if score is None:
        digest = hashlib.sha256(candidate.text.encode()).digest()
        score = int.from_bytes(digest[:4], "big") / 2**32
    if status in GIVEN_UP:
        n_folds = 1
    elif status is not Status.OK:
        n_folds = 0
    folds = tuple(
        FoldResult(stage=i, score=score, predictions=np.empty(0))
        for i in range(n_folds)
    )
    reason = "" if status is Status.OK else f"it was {status}"
    return Evaluation(number, candidate, status, folds, reason=reason)


def run_search(search, n_proposals, look_ahead=8, evaluate=make_evaluation):
    """Run a search as the engine does, on synthetic evaluations.

    Evaluations are told in order, each after `look_ahead` further candidates.

    Parameters
    ----------
    search : Search
        Run to ask and tell, as `Strategy.start` returns it.
    n_proposals : int
        Number of candidates to ask for.
    look_ahead : int, default=8
        Number of candidates whose evaluations are not told yet.
    evaluate : callable, default=make_evaluation
        ``evaluate(number, candidate) -> Evaluation``.

    Returns
    -------
    candidates : list of Candidate
        Fewer than `n_proposals` where the search has no more.
    """
    candidates = []
    n_told = 0
    while len(candidates) < n_proposals:
        while n_told < len(candidates) - look_ahead + 1:
            search.tell([evaluate(n_told, candidates[n_told])])
            n_told += 1
        new = search.ask(1)
        if not new:
            break
        candidates += new
    return candidates
