"""Paths in a pipeline tree: the last learner, and the parent of a node."""

from __future__ import annotations

from sklearn_meta.pipelines._tree import STACK


def last_learner_path(tree, vocabulary):
    """Return the path of the last learner, which may be inside wrappers.

    Parameters
    ----------
    tree : Node
    vocabulary : Vocabulary

    Returns
    -------
    path : tuple of int
    """
    path = ()
    while vocabulary.kind(tree.at(path)) == "wrapper":
        path = (*path, 0)
    return path


def family(tree, vocabulary):
    """Return the family of a pipeline: the name of its last learner.

    Parameters
    ----------
    tree : Node
    vocabulary : Vocabulary

    Returns
    -------
    family : str
        ``"stack"`` if the last learner is fitted on predictions of other estimators.
    """
    learner = tree.at(last_learner_path(tree, vocabulary))
    if learner.inputs[0].operator == STACK:
        return STACK
    return learner.operator


def parent_kind(tree, path, vocabulary):
    """Return the kind of the parent of the node at `path`; None for the root.

    Parameters
    ----------
    tree : Node
    path : tuple of int
    vocabulary : Vocabulary

    Returns
    -------
    kind : str or None
    """
    return vocabulary.kind(tree.at(path[:-1])) if path else None
