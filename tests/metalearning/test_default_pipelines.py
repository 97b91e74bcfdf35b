"""The default portfolio is legal, diverse, and fits."""

import numpy as np
import pytest

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.metalearning._default_pipelines import (
    _TEXTS,
    FEW_ROWS,
    FEW_ROWS_PLACE,
    default_portfolio,
)
from sklearn_meta.pipelines import compile_pipeline, default_catalog
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import canonical, format_tree
from sklearn_meta.pipelines._typing_rules import check_tree
from sklearn_meta.pipelines.catalog import _default as _catalog
from sklearn_meta.testing import make_table, make_target

# What these say of a hundred rows of noise is true, and no matter here.
pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore:Bins whose width are too small"),
    pytest.mark.filterwarnings("ignore:Features? .* (is|are) constant"),
    pytest.mark.filterwarnings("ignore:n_quantiles .* is greater than the total"),
    pytest.mark.filterwarnings("ignore:n_components > n_samples"),
]

CATALOGS = {task: default_catalog(task) for task in TASKS}
N_CLASSES = {CLASSIFICATION: 3, REGRESSION: 1}


def compiled(tree, schema, task):
    return compile_pipeline(
        tree,
        schema,
        catalog=CATALOGS[task],
        n_classes=N_CLASSES[task],
        random_state=0,
    )


def predictions(pipeline, table, task):
    if task == REGRESSION:
        return pipeline.predict(table)
    return pipeline.predict_proba(table)


def check_predictions(values, n, task):
    assert values.shape == ((n, 3) if task == CLASSIFICATION else (n,))
    assert np.isfinite(values).all()
    if task == CLASSIFICATION:
        assert (values >= 0).all()
        np.testing.assert_allclose(values.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_portfolio_is_whole_legal_and_diverse(task):
    portfolio = default_portfolio(CATALOGS[task])
    assert 25 <= len(portfolio) == len(_TEXTS[task])
    trees = [p.tree for p in portfolio]
    for tree in trees:
        check_tree(tree, catalog=CATALOGS[task])
        assert canonical(tree, catalog=CATALOGS[task]) == tree
    assert len({format_tree(tree) for tree in trees}) == len(trees)
    learners = {
        next(
            n.operator
            for _, n in tree.walk()
            if CATALOGS[task].find(n.operator).kind == "learner"
        )
        for tree in trees[:8]
    }
    assert len(learners) >= 5


@pytest.mark.parametrize("task", TASKS)
def test_portfolio_leaves_out_what_the_catalog_lacks(task):
    linear = {CLASSIFICATION: "logistic_regression", REGRESSION: "ridge"}[task]
    few = [o for o in CATALOGS[task] if o.name in (linear, "standard_scaler")]
    portfolio = default_portfolio(Catalog(few, task))
    assert portfolio
    assert {n.operator for p in portfolio for _, n in p.tree.walk()} == {
        linear, "standard_scaler", "X",
    }  # fmt: skip


PORTFOLIO = [
    pytest.param(task, proposal.tree, id=format_tree(proposal.tree))
    for task in TASKS
    for proposal in default_portfolio(CATALOGS[task])
]


@pytest.mark.parametrize("task, tree", PORTFOLIO)
def test_portfolio_fits_and_predicts(task, tree):
    table, schema = make_table("mixed")
    y = make_target(table, task)
    pipeline = compiled(tree, schema, task).fit(table, y)
    check_predictions(predictions(pipeline, table, task), len(y), task)


def every_operator(task):
    """The catalog of a machine on which nothing is missing."""
    return Catalog(_catalog._OPERATORS, task)


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
