"""Operators whose packages may be missing, and those for tables of few rows."""

import sys

import pytest

from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning._default_pipelines import (
    _TEXTS,
    FEW_ROWS,
    FEW_ROWS_PLACE,
    default_portfolio,
)
from sklearn_meta.pipelines import SearchSpace, parse
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.pipelines.catalog import _default as _catalog

TASKS = ("classification", "regression")


@pytest.fixture
def without_torch(monkeypatch):
    """The built-in operators of a machine without torch."""
    monkeypatch.setitem(sys.modules, "torch", None)
    operators = _catalog.built_in_operators.__wrapped__()
    monkeypatch.setattr(_catalog, "built_in_operators", lambda: operators)
    return operators


def every_operator(task):
    """The catalog of a machine on which nothing is missing."""
    return Catalog(_catalog._OPERATORS, task)


def test_without_its_package_an_operator_is_not_there(without_torch):
    assert not any(o.name == "maml" for o in without_torch)
    names = {o.name for o in _catalog._OPERATORS} - {"maml"}
    assert {o.name for o in without_torch} == names
    assert SearchSpace().catalog("regression").find("maml") is None


def test_who_asks_for_it_is_told_what_to_install(without_torch):
    with pytest.raises(
        ImportError, match=r"'maml' in the 'include'.*pip install.*torch"
    ):
        SearchSpace(include=["maml"]).catalog("regression")
    with pytest.raises(PipelineSyntaxError, match="'maml' needs .*torch.*pip install"):
        parse("maml(X)", catalog=Catalog(without_torch, "regression"))


def test_excluding_what_is_not_there_is_no_mistake(without_torch):
    assert SearchSpace(exclude=["maml"]).catalog("regression")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("n_samples", [20, FEW_ROWS, FEW_ROWS + 1, None])
def test_what_is_good_on_few_rows_comes_late_and_only_there(task, n_samples):
    portfolio = default_portfolio(every_operator(task), n_samples)
    texts = [format_tree(proposal.tree) for proposal in portfolio]
    if n_samples is not None and n_samples <= FEW_ROWS:
        assert texts.index("maml(X)") == FEW_ROWS_PLACE
        texts.remove("maml(X)")
    assert len(texts) == len(_TEXTS[task])
    assert not any("maml" in text for text in texts)


@pytest.mark.parametrize("task", TASKS)
def test_the_network_is_told_its_categories(task):
    operator = every_operator(task).find("maml")
    from sklearn_meta.pipelines._spec import BuildContext

    params = operator.defaults()
    fixed = {"init": "ours"}
    context = BuildContext(task, n_features=3, random_state=5, fixed=fixed)
    plain = operator.build(params, context)
    assert dict(plain.params) == {**params, **fixed, "random_state": 5}
    told = operator.build(params, BuildContext(task, n_features=3, n_categorical=2))
    assert told.param("categorical_features") == [0, 1]
