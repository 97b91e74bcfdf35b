"""Multi-output targets: which part of a pipeline is fitted once for each output.

Operators declare whether they take all outputs at once (`Operator.multi_output`). The
part of a pipeline from the first that does not to the learner is fitted once for each
output, by scikit-learn's meta-estimators; the steps before it are shared.
"""

from __future__ import annotations

from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._spec import Spec
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node, X


def takes_all_outputs(node: Node, *, catalog: Catalog) -> bool:
    """Whether all operators of a tree can be fitted to all outputs at once.

    Stacks and wrappers cannot: scikit-learn's take one output.

    Parameters
    ----------
    node : Node
        Root of the tree.
    catalog : Catalog

    Returns
    -------
    takes_all : bool
    """
    if node.operator == INPUT:
        return True
    if node.operator == STACK:
        return False
    if node.operator != UNION:
        operator = catalog[node.operator]
        if operator.kind == "wrapper" or not operator.multi_output:
            return False
    return all(takes_all_outputs(child, catalog=catalog) for child in node.inputs)


def shared_features(tree: Node, *, catalog: Catalog) -> Node:
    """Return the subtree of features that are computed once for all outputs.

    Parameters
    ----------
    tree : Node
        A tree that does not take all outputs at once.
    catalog : Catalog

    Returns
    -------
    features : Node
        ``X`` where only the table is shared.
    """
    if catalog[tree.operator].kind == "wrapper":
        return X
    (node,) = tree.inputs
    while not takes_all_outputs(node, catalog=catalog):
        if node.operator in (STACK, UNION):
            return X
        (node,) = node.inputs
    return node


def one_model_per_output(estimator: Spec, *, catalog: Catalog) -> Spec:
    """Wrap an estimator of one output, so that it is fitted once for each.

    The wrapper of classifiers is `OneVsRestClassifier`, which accepts labels that all
    rows or no rows of a training fold have; `MultiOutputClassifier` raises on them.

    Parameters
    ----------
    estimator : Spec
    catalog : Catalog
        It decides whether the estimator is a classifier.

    Returns
    -------
    estimator : Spec
    """
    path = (
        "sklearn.multiclass.OneVsRestClassifier"
        if catalog.is_classifier
        else "sklearn.multioutput.MultiOutputRegressor"
    )
    return Spec(path, (("estimator", estimator),))
