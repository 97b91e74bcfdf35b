from itertools import product

import pytest

from sklearn_meta.pipelines import Choice, Float, Integer, SearchSpace
from sklearn_meta.search import GridSearch
from sklearn_meta.search._grid import grid_values
from sklearn_meta.testing import make_problem

PLAIN = {"has_categories": False, "has_missing": False}


def start(include, resolution=3, seed=0, **changes):
    space = SearchSpace(include=include)
    problem = make_problem("regression", space=space, seed=seed, **PLAIN, **changes)
    return GridSearch(resolution=resolution).start(problem)


def of_grid(search, n=500):
    return [c for c in search.ask(n) if c.origin == "grid"]


@pytest.mark.parametrize(
    "hyperparameter, expected",
    [
        (Float("alpha", 1e-3, 1e3, 1.0, log=True), [1e-2, 1.0, 1e2]),
        (Float("share", 0.0, 3.0, 1.0), [0.5, 1.5, 2.5]),
        (Integer("n", 1, 9, 3), [2, 5, 8]),
        (Integer("n", 1, 2, 1), [1, 2]),
        (Choice("kind", ("a", "b", None), "a"), ["a", "b", None]),
    ],
)
def test_values_are_in_the_middle_of_equal_parts(hyperparameter, expected):
    assert grid_values(hyperparameter, 3) == pytest.approx(expected)


def test_all_points_of_the_grid_are_proposed_once():
    found = [c.text for c in of_grid(start(["ridge", "standard_scaler"]))]
    alphas = grid_values(Float("alpha", 1e-3, 1e4, 1.0, log=True), 3)
    expected = {
        f"ridge({table}, alpha={alpha})"
        for table, alpha in product(("X", "standard_scaler(X)"), alphas)
    }
    # The default is the first.
    assert found[0] == "ridge(X)"
    assert set(found[1:]) == expected and len(found) == 1 + len(expected)


def test_without_a_scaler_there_is_the_table_alone():
    assert len(of_grid(start(["ridge"]))) == 4


def test_the_cheapest_learner_comes_first_and_all_take_turns():
    search = start(["ridge", "random_forest", "lasso"])
    operators = [c.tree.operator for c in of_grid(search)]
    assert sorted(operators[:3]) == ["lasso", "random_forest", "ridge"]
    assert operators[2] == "random_forest"
    assert operators[3:6] == operators[:3]


def test_the_order_within_a_grid_is_random():
    orders = [
        [c.text for c in of_grid(start(["ridge"], resolution=9, seed=seed))]
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert set(orders[0]) == set(orders[2])


def test_a_finer_grid_has_more_points():
    assert len(of_grid(start(["ridge"], resolution=7))) == 8
    few = GridSearch(n_hyperparameters=1).start(
        make_problem("regression", space=SearchSpace(include=["extra_trees"]), **PLAIN)
    )
    varied = {name for c in of_grid(few) for name, _ in c.tree.params}
    assert len(varied) == 1
