"""The final model, whatever is left of the time."""

import numpy as np

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.ensemble._final_model import build_final_model
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._cross_validation import make_folds, make_stages
from sklearn_meta.evaluation._fit_and_score import EvaluationContext
from sklearn_meta.evaluation._history import History
from sklearn_meta.evaluation._records import Candidate, Evaluation, FoldResult, Status
from sklearn_meta.evaluation._scoring import FastScoring
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.pipelines import Node, Schema, X, default_catalog

N = 30


class StoppedClock:
    """A clock that jumps to the end of the budget."""

    now = 0.0

    def __call__(self):
        return self.now


def test_a_model_is_built_though_the_time_is_over():
    rng = np.random.default_rng(0)
    data = Dataset(
        rng.normal(size=(N, 2)), rng.normal(size=N), Schema(2), RegressionTask()
    )
    stages = make_stages(data, make_folds(data, None, 0), 0)
    context = EvaluationContext(
        data,
        stages,
        FastScoring("neg_mean_squared_error"),
        default_catalog("regression"),
    )
    history = History()
    for name, seconds in [("extra_trees", 5.0), ("ridge", 0.1)]:
        tree = Node(name, (X,))
        folds = tuple(
            FoldResult(i, -1.0, np.zeros(len(s.validation)), seconds)
            for i, s in enumerate(stages)
        )
        history.add(
            Evaluation(len(history), Candidate(tree, name, ""), Status.OK, folds)
        )
    clock = StoppedClock()
    budget = Budget(1.0, clock)
    clock.now = 2.0
    model = build_final_model(
        history,
        context,
        ensemble_size=5,
        pool=InProcessPool(state=context, clock=clock),
        budget=budget,
    )
    assert model.best.evaluation.candidate.text == "ridge"
    assert np.isfinite(model.best.models[0].predict(data.X)).all()
