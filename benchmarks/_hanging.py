"""A learner whose fit never ends, and a search that proposes it."""

from __future__ import annotations

import time

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from sklearn_meta.evaluation import Candidate
from sklearn_meta.pipelines import Integer, Node, Operator, X

# Early, when no worker has a result yet; in the middle; and late, when the time for the
# final model is near. Proposals are counted from zero.
POSITIONS = (1, 10, 30, 100)


class _Hanging(BaseEstimator):
    def __init__(self, number=0):
        self.number = number

    def fit(self, X, y):
        while True:
            time.sleep(1.0)


class HangingClassifier(ClassifierMixin, _Hanging):
    """Never finishes."""


class HangingRegressor(RegressorMixin, _Hanging):
    """Never finishes."""


def hanging_operator(task):
    """Return the operator ``hanging`` of `task`."""
    kind = HangingClassifier if task == "classification" else HangingRegressor
    return Operator(
        name="hanging",
        kind="learner",
        path=f"{kind.__module__}.{kind.__qualname__}",
        tasks=(task,),
        hyperparameters=(Integer("number", 0, 1_000_000, 0),),
    )


class HangingSearch(BaseEstimator):
    """A strategy that proposes what another one does, and hanging candidates between.

    Parameters
    ----------
    strategy : strategy
        Its search space must hold `hanging_operator`.
    """

    def __init__(self, strategy):
        self.strategy = strategy

    @property
    def look_ahead(self):
        return self.strategy.look_ahead

    def start(self, problem):
        return _HangingRun(self.strategy.start(problem))


class _HangingRun:
    def __init__(self, search):
        self._search = search
        self._n_asked = 0

    def ask(self, n):
        candidates = []
        for _ in range(n):
            if self._n_asked in POSITIONS:
                number = self._n_asked + 1  # the default is left out of the text
                tree = Node("hanging", (X,), (("number", number),))
                text = f"hanging(X, number={number})"
                candidates.append(Candidate(tree, text, "injected"))
            else:
                candidates += self._search.ask(1)
            self._n_asked += 1
        return candidates

    def tell(self, evaluations):
        self._search.tell([e for e in evaluations if e.candidate.origin != "injected"])
