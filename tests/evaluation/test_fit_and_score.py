"""One candidate, fitted and scored stage by stage."""

import pickle

import numpy as np

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._task import RegressionTask
from sklearn_meta.evaluation._fit_and_score import EvaluationContext, refit_candidate
from sklearn_meta.pipelines import Node, Schema, X, default_catalog


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
