"""Trees that break the grammar are refused."""

import pytest

from sklearn_meta.exceptions import InvalidHyperparameterError, InvalidPipelineError
from sklearn_meta.pipelines._text import canonical
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines._typing_rules import check_tree
from tests.pipelines.small_catalog import small_catalog

CATALOG = small_catalog("classification")


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        (X, InvalidPipelineError, "must end in a learner"),
        (Node("forest", (X,)), InvalidPipelineError, "Unknown operator 'forest'"),
        (Node("tree"), InvalidPipelineError, "takes one input"),
        (Node("tree", (Node("X", (X,)),)), InvalidPipelineError, "takes no inputs"),
        (Node("tree", (Node("tree", (X,)),)), InvalidPipelineError, "Got tree"),
        (
            Node("tree", (Node("union", (X, X), (("a", 1),)),)),
            InvalidPipelineError,
            "union has no hyperparameters",
        ),
        (
            Node("tree", (X,), (("max_depth", 2), ("max_depth", 3))),
            InvalidPipelineError,
            "twice",
        ),
        (Node("tree", (X,), (("a", 2),)), InvalidHyperparameterError, "'a'"),
        (
            Node("tree", (X,), (("max_depth", 0),)),
            InvalidHyperparameterError,
            "tree: max_depth must be an int",
        ),
    ],
)
def test_check_tree_refuses_what_the_grammar_does_not_allow(tree, error, message):
    with pytest.raises(error, match=message):
        check_tree(tree, catalog=CATALOG)
    with pytest.raises(error, match=message):
        canonical(tree, catalog=CATALOG)
