"""Simplification of pipeline trees: remove operators and branches without effect."""

from __future__ import annotations

from sklearn_meta.pipelines._text import merged
from sklearn_meta.pipelines._tree import STACK, UNION, Node


def simplify(tree, vocabulary):
    """Remove operators and branches without effect from a tree.

    These are duplicate branches of a union, duplicate estimators in a stack, unions
    directly inside unions, and operators directly on top of themselves.

    Parameters
    ----------
    tree : Node
        Made of canonical nodes.
    vocabulary : Vocabulary

    Returns
    -------
    tree : Node
        In canonical form, of the same sort, and not larger.
    """
    simple = _simplify_once(tree, vocabulary)
    # A removal may put two equal operators or branches next to each other.
    return tree if simple is tree else simplify(simple, vocabulary)


def _simplify_once(node, vocabulary):
    """Simplify a node after its inputs."""
    if not node.inputs:
        return node
    inputs = [_simplify_once(child, vocabulary) for child in node.inputs]
    if node.operator == UNION:
        inputs = merged(inputs)
    if node.operator in (UNION, STACK):
        inputs = list(dict.fromkeys(inputs))
        if len(inputs) == 1 and node.operator == UNION:
            return inputs[0]
    else:
        child = inputs[0]
        if child.operator == STACK and len(child.inputs) == 1:
            return child.inputs[0]
        is_repeated = child.operator == node.operator
        if is_repeated and vocabulary.kind(node) != "learner":
            inputs = list(child.inputs)
    # Return the same object if nothing has changed: comparing identities is fast.
    if len(inputs) == len(node.inputs) and all(
        new is old for new, old in zip(inputs, node.inputs, strict=True)
    ):
        return node
    return Node(node.operator, tuple(inputs), node.params)
