"""Crossover of pipeline trees: exchange subtrees of the same sort.

Like mutation, crossover preserves the types, the maximum size and the constraints of
the search.
"""

from __future__ import annotations

from sklearn_meta.pipelines._tree import STACK, Node
from sklearn_meta.pipelines._typing_rules import SORT_OF_KIND, SORTS_TAKEN
from sklearn_meta.search._simplification import simplify
from sklearn_meta.search._tree_paths import last_learner_path, parent_kind


def crossover(first, second, rng, vocabulary):
    """Replace a subtree of `first` by a subtree of `second` of the same sort.

    If both have the same last learner, half of the offspring recombine its
    hyperparameters instead (uniform crossover).

    Parameters
    ----------
    first, second : Node
        Canonical, of at most ``vocabulary.max_size`` operators.
    rng : numpy.random.Generator
    vocabulary : Vocabulary

    Returns
    -------
    tree : Node or None
        Offspring that differs from both parents; None if there is none.
    """
    if rng.random() < 0.5:
        tree = _mix_params(first, second, rng, vocabulary)
        if tree not in (None, first, second):
            return tree
    exchanges = _exchanges(first, second, vocabulary)
    for index in rng.permutation(len(exchanges)):
        path, new = exchanges[index]
        tree = simplify(first.replace_at(path, new), vocabulary)
        if tree not in (first, second):
            return tree
    return None


def _mix_params(first, second, rng, vocabulary):
    """Draw each hyperparameter of the last learner from one of the two parents."""
    path = last_learner_path(first, vocabulary)
    mine = first.at(path)
    other = second.at(last_learner_path(second, vocabulary))
    if mine.operator != other.operator or mine.params == other.params:
        return None
    defaults = vocabulary.operator(mine).defaults()
    params = {
        name: (mine if rng.random() < 0.5 else other).param(name, default)
        for name, default in defaults.items()
    }
    new = vocabulary.node(mine.operator, mine.inputs, params.items())
    return simplify(first.replace_at(path, new), vocabulary)


def _exchanges(first, second, vocabulary):
    """List the paths in `first` with the subtrees of `second` that may go there."""
    room = vocabulary.max_size - first.size
    stack_path = (*last_learner_path(first, vocabulary), 0)
    donors = list(dict.fromkeys(node for _, node in second.walk()))
    with_stack = set()
    if any(donor.operator == STACK for donor in donors):
        with_stack = {d for d in donors if STACK in (n.operator for _, n in d.walk())}
    kinds = [vocabulary.kind(donor) for donor in donors]
    exchanges = []
    for path, node in first.walk():
        if not path:
            continue
        parent = parent_kind(first, path, vocabulary)
        for donor, kind in zip(donors, kinds, strict=True):
            if (
                SORT_OF_KIND[kind] in SORTS_TAKEN[parent]
                and donor != node
                and donor.size <= room + node.size
                and (donor not in with_stack or (kind == STACK and path == stack_path))
                and not (kind == parent == "wrapper")
            ):
                exchanges.append((path, donor))
    # Learners of `second` with their hyperparameters, on the inputs of `first`.
    learners = dict.fromkeys(
        (donor.operator, donor.params)
        for donor, kind in zip(donors, kinds, strict=True)
        if kind == "learner"
    )
    for path, node in first.walk():
        if vocabulary.kind(node) == "learner":
            for name, params in learners:
                if (name, params) != (node.operator, node.params):
                    exchanges.append((path, Node(name, node.inputs, params)))
    return exchanges
