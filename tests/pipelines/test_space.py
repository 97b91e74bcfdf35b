import pytest
from sklearn.base import clone

from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._space import SearchSpace
from tests.pipelines.small_catalog import OPERATORS, RIDGE, TREES, small_catalog

MINE = Operator("mine", "learner", "my.package.Mine", tasks=("regression",))


def names(space, task="classification"):
    return [o.name for o in space._select(OPERATORS, task)]


def test_everything_is_selected_by_default():
    expected = [o.name for o in small_catalog("classification")]
    assert names(SearchSpace()) == expected


def test_include_and_exclude_select_by_name():
    assert names(SearchSpace(include=["tree", "pca"])) == ["pca", "tree"]
    assert names(SearchSpace(include=["tree", "pca"], exclude=["pca"])) == ["tree"]
    assert "pca" not in names(SearchSpace(exclude=["pca"]))


def test_a_name_of_the_other_task_is_no_error():
    space = SearchSpace(include=["tree", "ridge"])
    assert names(space) == ["tree"]
    assert names(space, "regression") == ["ridge", "tree"]


def test_own_operators_come_on_top_of_the_included_ones():
    space = SearchSpace(include=["tree"], operators=[MINE])
    assert names(space, "regression") == ["tree", "mine"]
    assert names(space, "classification") == ["tree"]


def test_an_own_operator_takes_the_place_of_a_built_in_one_for_its_tasks():
    mine = Operator("tree", "learner", "my.Tree", tasks=("regression",))
    space = SearchSpace(operators=[mine])
    assert space._select(OPERATORS, "regression").find("tree") == mine
    assert space._select(OPERATORS, "classification").find("tree") == TREES[0]


def test_the_parameters_round_trip():
    space = SearchSpace(include=["tree"], operators=[MINE], max_size=3)
    params = space.get_params()
    assert params == {
        "include": ["tree"],
        "exclude": (),
        "operators": [MINE],
        "max_size": 3,
    }
    assert clone(space).get_params() == params
    assert repr(SearchSpace(max_size=2)) == "SearchSpace(max_size=2)"


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"include": ["trea"]}, ValueError, "'include'.*'trea'. Did you mean 'tree'"),
        (
            {"exclude": ["nothing"]},
            ValueError,
            "'exclude'.*unknown.*built-in operators",
        ),
        ({"include": "tree"}, TypeError, "'include'.*list of names"),
        ({"exclude": [1]}, TypeError, "'exclude'.*list of names"),
        ({"exclude": None}, TypeError, "'exclude'.*list of names.* Got None"),
        ({"include": ["pca"]}, ValueError, "no learner for classification"),
        ({"include": []}, ValueError, "no learner for classification"),
        ({"include": ["ridge"]}, ValueError, "no learner for classification"),
        ({"operators": RIDGE}, TypeError, "'operators'.*list of Operator"),
        ({"operators": ["tree"]}, TypeError, "'operators'.*list of Operator"),
        (
            {"operators": [Operator("union", "learner", "a.B")]},
            ValueError,
            "identifier other than.*Got 'union'",
        ),
        ({"operators": [Operator("a-b", "learner", "a.B")]}, ValueError, "identifier"),
        ({"operators": [Operator("is", "learner", "a.B")]}, ValueError, "identifier"),
        ({"max_size": 0}, ValueError, "'max_size'.*Got 0"),
        ({"max_size": 2.0}, TypeError, "'max_size'.*Got 2.0"),
        ({"max_size": True}, TypeError, "'max_size'.*Got True"),
    ],
)
def test_a_bad_parameter_gets_a_clear_error(params, error, message):
    with pytest.raises(error, match=message):
        SearchSpace(**params)._select(OPERATORS, "classification")


def test_the_built_in_catalog_serves_both_tasks():
    for task in ("classification", "regression"):
        catalog = SearchSpace(exclude=["lightgbm"]).catalog(task)
        assert isinstance(catalog, Catalog)
        assert catalog.find("lightgbm") is None
        assert all(task in o.tasks for o in catalog)
