import pytest

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.pipelines import SearchSpace, parse
from sklearn_meta.pipelines._operators import Catalog, Operator
from tests.pipelines.small_catalog import LOGISTIC, OPERATORS, RIDGE, TREES


def test_a_catalog_holds_the_operators_of_its_task_in_their_order():
    for task in TASKS:
        catalog = Catalog(OPERATORS, task)
        assert list(catalog) == [o for o in OPERATORS if task in o.tasks]
        assert len(catalog) == len(list(catalog)) < len(OPERATORS)
        assert catalog.is_classifier == (task == "classification")
    assert catalog.find("tree") == TREES[1]
    assert catalog.find("logistic") is None
    assert catalog.select("learner") == (RIDGE, TREES[1])


def test_names_are_unique_within_a_task():
    other = Operator("ridge", "learner", "my.Ridge", tasks=("classification",))
    assert Catalog([RIDGE, other], "classification").find("ridge") == other
    with pytest.raises(ValueError, match="two operators 'logistic' for classification"):
        Catalog([LOGISTIC, LOGISTIC], "classification")


def test_a_name_of_the_other_task_is_told_apart_from_an_unknown_one():
    catalog = SearchSpace().catalog("regression")
    with pytest.raises(
        PipelineSyntaxError, match="'svc' exists for classification only, not for regr"
    ):
        parse("svc(X)", catalog=catalog)
    with pytest.raises(PipelineSyntaxError, match="Unknown operator 'forest'"):
        parse("forest(X)", catalog=catalog)
