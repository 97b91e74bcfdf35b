"""Search problems and made-up evaluations for the tests of strategies."""

import hashlib
from dataclasses import dataclass

import numpy as np

from sklearn_meta.evaluation._records import Evaluation, FoldResult, Status
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.pipelines._operators import Catalogue
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.search._protocol import SearchProblem
from tests.pipelines.small_catalogue import OPERATORS, small_catalogue


@dataclass(frozen=True)
class SmallSpace:
    """A `SearchSpace` whose built-in operators are the small catalogue's."""

    include: tuple | None = None
    max_size: int = 6

    def catalogue(self, task):
        space = SearchSpace(include=self.include, max_size=self.max_size)
        return space._select(small_catalogue(), task)


@dataclass(frozen=True)
class FixedSpace:
    """A space of exactly these operators."""

    operators: tuple = OPERATORS
    max_size: int = 6

    def catalogue(self, task):
        return Catalogue(self.operators)


def small_problem(task="classification", **changes):
    """A problem over the small catalogue."""
    settings = {
        "task": task,
        "space": SmallSpace(),
        "prior": Prior(),
        "n_samples": 200,
        "n_features": 10,
        "n_classes": 3 if task == "classification" else 1,
        "has_categories": True,
        "has_missing": True,
        "seed": 0,
    }
    return SearchProblem(**{**settings, **changes})


def evaluation(number, candidate, status=Status.OK, score=None, n_folds=3):
    """An evaluation whose score is a fixed function of the text, in [0, 1)."""
    if score is None:
        digest = hashlib.sha256(candidate.text.encode()).digest()
        score = int.from_bytes(digest[:4], "big") / 2**32
    if status is Status.PRUNED:
        n_folds = 1
    elif status is not Status.OK:
        n_folds = 0
    folds = tuple(
        FoldResult(stage=i, score=score, predictions=np.empty(0))
        for i in range(n_folds)
    )
    reason = "" if status is Status.OK else f"it was {status}"
    return Evaluation(number, candidate, status, folds, reason=reason)


def run(search, n_proposals, look_ahead=8, evaluate=evaluation):
    """Play the engine's part: tell in order, `look_ahead` behind; give candidates."""
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
