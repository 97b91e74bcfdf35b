"""Targets of several outputs: which part of a pipeline is fitted once for each.

Operators say whether they take all outputs at once (`Operator.multi_output`). From the
first that does not to the learner, a pipeline knows one output only: scikit-learn's
meta-estimators fit that part once for each. What comes before it is shared.
"""

from __future__ import annotations

from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._spec import Spec
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node, X


def takes_all_outputs(node: Node, *, catalog: Catalog) -> bool:
    """Whether everything in a tree can be fitted to all outputs at once.

    Stacks and wrappers never are: scikit-learn's take one output.
    """
    if node.operator == INPUT:
        return True
    if node.operator == STACK:
        return False
    if node.operator != UNION:
        operator = catalog.find(node.operator)
        if operator.kind == "wrapper" or not operator.multi_output:
            return False
    return all(takes_all_outputs(child, catalog=catalog) for child in node.inputs)


def shared_features(tree: Node, *, catalog: Catalog) -> Node:
    """Return the features that a tree makes once for all outputs.

    Parameters
    ----------
    tree : Node
        One that does not take all outputs at once.
    catalog : Catalog

    Returns
    -------
    features : Node
        ``X`` where nothing is shared but the table.
    """
    if catalog.find(tree.operator).kind == "wrapper":
        return X
    (node,) = tree.inputs
    while not takes_all_outputs(node, catalog=catalog):
        if node.operator in (STACK, UNION):
            return X
        (node,) = node.inputs
    return node


def one_for_each_output(estimator: Spec, *, catalog: Catalog) -> Spec:
    """Fit an estimator of one output once for each.

    A classifier is put into `OneVsRestClassifier`, which takes labels that all rows or
    no rows of a training fold have; `MultiOutputClassifier` raises there.
    """
    path = (
        "sklearn.multiclass.OneVsRestClassifier"
        if catalog.is_classifier
        else "sklearn.multioutput.MultiOutputRegressor"
    )
    return Spec(path, (("estimator", estimator),))
