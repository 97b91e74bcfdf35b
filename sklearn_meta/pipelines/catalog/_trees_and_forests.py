"""Decision trees, random forests and extremely randomized trees."""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.pipelines._hyperparameters import Choice, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines.catalog._declarations import (
    class_suffix,
    class_weights,
    for_both_tasks,
    learner,
)

# What trees take. Category codes are split as ordered numbers, as the baselines do.
_TREES = {"accepts_missing": True, "accepts_categories": True, "random_state": True,
          "sample_weight": True, "multi_output": True}  # fmt: skip

_FOREST_EXPONENTS = {"n_estimators": 1, "max_features": 0.7}
# Defaults of scikit-learn.
_MAX_FEATURES = {CLASSIFICATION: "sqrt", REGRESSION: 1.0}


def _criterion(task):
    """Impurity of a split, where there are several proper ones."""
    if task == CLASSIFICATION:
        return (Choice("criterion", ("gini", "entropy"), "gini"),)
    return ()


def _tree(name, path, cost):
    """Declare a single tree for both tasks."""
    return for_both_tasks(
        lambda task: learner(
            name,
            f"{path}{class_suffix(task)}",
            *_criterion(task),
            Integer("max_depth", 1, 20, None),
            Integer("min_samples_leaf", 1, 60, 1, log=True),
            *class_weights(task),
            task=task,
            accepts_sparse=True,
            **_TREES,
            cost=cost,
        )
    )


def _forest(name, path, costs):
    """Declare a forest for both tasks, with the costs of each."""

    def declare(task):
        return learner(
            name,
            f"{path}{class_suffix(task)}",
            *_criterion(task),
            Integer("n_estimators", 50, 500, 100, log=True),
            Choice(
                "max_features",
                ("sqrt", "log2", 0.25, 0.5, 0.75, 1.0),
                _MAX_FEATURES[task],
            ),
            Integer("min_samples_leaf", 1, 40, 1, log=True),
            Integer("max_leaf_nodes", 8, 4000, None, log=True),
            Choice("bootstrap", (False, True), name == "random_forest"),
            *class_weights(task),
            task=task,
            accepts_sparse=True,
            **_TREES,
            cost=costs[task],
        )

    return for_both_tasks(declare)


LEARNERS = (
    *_tree("decision_tree", "sklearn.tree.DecisionTree", Cost(0.011, rows=1.2)),
    *_tree("extra_tree", "sklearn.tree.ExtraTree", Cost(0.003, rows=0.8, columns=0.5)),
    *_forest(
        "random_forest",
        "sklearn.ensemble.RandomForest",
        {
            CLASSIFICATION: Cost(
                0.23, columns=0.5, params=_FOREST_EXPONENTS, least=0.06
            ),
            REGRESSION: Cost(
                0.6, rows=1.1, columns=0.9, params=_FOREST_EXPONENTS, least=0.045
            ),
        },
    ),
    *_forest(
        "extra_trees",
        "sklearn.ensemble.ExtraTrees",
        {
            CLASSIFICATION: Cost(
                0.12, rows=0.9, columns=0.4, params=_FOREST_EXPONENTS, least=0.045
            ),
            REGRESSION: Cost(0.34, columns=0.8, params=_FOREST_EXPONENTS, least=0.03),
        },
    ),
)
