"""Mutation of pipeline trees: change one hyperparameter, operator or branch.

Trees are typed, and every mutation preserves the types: a subtree is replaced by one of
the same sort, so that no invalid tree arises. Mutations also respect the maximum size
and the constraints of the search: at most one stack, which feeds the last learner, no
duplicate branches in a union, and no operator directly on top of itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node, X
from sklearn_meta.pipelines._typing_rules import SORT_OF_KIND, SORTS_TAKEN
from sklearn_meta.search._random_trees import (
    new_node,
    random_estimator,
    random_features,
)
from sklearn_meta.search._simplification import simplify
from sklearn_meta.search._tree_paths import last_learner_path, parent_kind
from sklearn_meta.search._vocabulary import Vocabulary

# Probability that a perturbed hyperparameter is set back to its default: perturbations
# of single values rarely undo several changes that were made together.
SHARE_RESET = 0.1


def mutate(tree, rng, vocabulary):
    """Apply one random mutation to a tree.

    A mutation is drawn from `MUTATIONS` by its share; if it is not possible in this
    tree, the next one is drawn from the rest.

    Parameters
    ----------
    tree : Node
        Canonical, of at most ``vocabulary.max_size`` operators.
    rng : numpy.random.Generator
    vocabulary : Vocabulary

    Returns
    -------
    result : (Node, str) or None
        The new tree, which differs from `tree`, and a readable description of the
        mutation. None if no mutation is possible.
    """
    # Exponential race: a weighted random order without replacement. The first possible
    # mutation is taken.
    times = rng.exponential(size=len(MUTATIONS)) / MUTATION_SHARES
    order = np.argsort(times, kind="stable")
    for index in order:
        _, mutation = MUTATIONS[index]
        result = mutation(tree, rng, vocabulary)
        if result is None:
            continue
        new, description = result
        new = simplify(new, vocabulary)
        if new != tree:
            return new, description
    return None


def perturb_estimator(tree, rng, vocabulary):
    """Perturb hyperparameters of a learner or of a wrapper."""
    return _perturb(tree, rng, vocabulary, ("learner", "wrapper"))


def perturb_features(tree, rng, vocabulary):
    """Perturb hyperparameters of a preparation or of a transformer."""
    return _perturb(tree, rng, vocabulary, ("preparation", "transformer"))


def _perturb(tree, rng, vocabulary, kinds):
    """Perturb hyperparameters of one operator of the given kinds."""
    paths = [
        path
        for path, node in tree.walk()
        if vocabulary.kind(node) in kinds and vocabulary.operator(node).hyperparameters
    ]
    if not paths:
        return None
    path = _pick(paths, rng)
    node = tree.at(path)
    operator = vocabulary.operator(node)
    params = {**operator.defaults(), **dict(node.params)}

    hyperparameters = operator.hyperparameters
    # Mostly one, rarely more than three: the effect of few changes can be attributed.
    count = min(int(rng.geometric(0.6)), len(hyperparameters))
    chosen = rng.choice(len(hyperparameters), size=count, replace=False)
    changes = []
    for hyperparameter in (hyperparameters[i] for i in sorted(chosen)):
        name = hyperparameter.name
        old = params[name]
        new = _perturbed(hyperparameter, old, rng)
        if new != old or type(new) is not type(old):
            params[name] = new
            changes.append(f"{name} {old!r} -> {new!r}")
    if not changes:
        return None
    new = vocabulary.node(node.operator, node.inputs, params.items())
    return tree.replace_at(path, new), ", ".join(changes)


def _perturbed(hyperparameter, value, rng):
    """Return a value near the given one, or the default."""
    if rng.random() < SHARE_RESET and value != hyperparameter.default:
        return hyperparameter.default
    return hyperparameter.perturb(value, rng)


def replace_learner(tree, rng, vocabulary):
    """Replace a learner by another one on the same input."""
    return _replace(tree, rng, vocabulary, "learner", vocabulary.learners)


def replace_transformer(tree, rng, vocabulary):
    """Replace a transformer by another one on the same input."""
    return _replace(tree, rng, vocabulary, "transformer", vocabulary.transformers)


def replace_preparation(tree, rng, vocabulary):
    """Replace a preparation by another one on the same input."""
    return _replace(tree, rng, vocabulary, "preparation", vocabulary.preparations)


def _replace(tree, rng, vocabulary, kind, operators):
    """Replace an operator of a kind by another one of `operators`."""
    paths = [path for path, node in tree.walk() if vocabulary.kind(node) == kind]
    if not paths:
        return None
    path = _pick(paths, rng)
    node = tree.at(path)
    operator = operators.draw(rng, exclude=(node.operator,))
    if operator is None:
        return None
    new = new_node(operator, node.inputs, rng, vocabulary)
    return tree.replace_at(path, new), f"{node.operator} -> {operator.name}"


def insert_transformer(tree, rng, vocabulary):
    """Insert a transformer between two operators."""
    return _insert(tree, rng, vocabulary, ("table", "features"), "transformer")


def insert_preparation(tree, rng, vocabulary):
    """Insert a preparation after a table."""
    return _insert(tree, rng, vocabulary, ("table",), "preparation")


def insert_wrapper(tree, rng, vocabulary):
    """Insert a wrapper around an estimator that has none."""
    return _insert(tree, rng, vocabulary, ("estimator",), "wrapper")


def _insert(tree, rng, vocabulary, sorts, kind):
    """Insert an operator of a kind after a node whose result is of one of `sorts`."""
    if tree.size >= vocabulary.max_size:
        return None
    paths = []
    for path, node in tree.walk():
        parent = parent_kind(tree, path, vocabulary)
        fits_below = SORT_OF_KIND[vocabulary.kind(node)] in sorts
        fits_above = parent is None or SORT_OF_KIND[kind] in SORTS_TAKEN[parent]
        is_wrapped = "wrapper" in (vocabulary.kind(node), parent)
        if fits_below and fits_above and not (kind == "wrapper" and is_wrapped):
            paths.append(path)
    if not paths:
        return None
    path = _pick(paths, rng)
    node = tree.at(path)
    neighbors = (node.operator, tree.at(path[:-1]).operator if path else None)
    operators = {
        "transformer": vocabulary.transformers,
        "preparation": vocabulary.preparations,
        "wrapper": vocabulary.wrappers,
    }[kind]
    operator = operators.draw(rng, exclude=neighbors)
    if operator is None:
        return None
    new = new_node(operator, [node], rng, vocabulary)
    return tree.replace_at(path, new), f"inserted {operator.name}"


def remove_operator(tree, rng, vocabulary):
    """Remove a preparation, a transformer, a wrapper, or a branch of a union."""
    removals = []
    for path, node in tree.walk():
        if vocabulary.kind(node) in ("preparation", "transformer", "wrapper"):
            removals.append((path, node.inputs[0], f"removed {node.operator}"))
        elif node.operator == UNION:
            for i, branch in enumerate(node.inputs):
                rest = node.inputs[:i] + node.inputs[i + 1 :]
                new = vocabulary.node(UNION, rest) if len(rest) > 1 else rest[0]
                name = INPUT if branch == X else branch.operator
                removals.append((path, new, f"removed branch {name}"))
    if not removals:
        return None
    path, new, description = _pick(removals, rng)
    return tree.replace_at(path, new), description


def add_branch(tree, rng, vocabulary):
    """Union features with new features or with the table itself."""
    room = vocabulary.max_size - tree.size
    paths = [
        path
        for path, node in tree.walk()
        if SORT_OF_KIND[vocabulary.kind(node)] in ("table", "features")
        and "features" in SORTS_TAKEN[parent_kind(tree, path, vocabulary)]
    ]
    if not paths:
        return None
    path = _pick(paths, rng)
    node = tree.at(path)
    branch = random_features(rng, vocabulary, room)
    if node == branch:
        return None
    # The table comes first: only the first branch can pass categories on unencoded.
    branches = [branch, node] if branch == X else [node, branch]
    name = INPUT if branch == X else branch.operator
    new = vocabulary.node(UNION, branches)
    return tree.replace_at(path, new), f"added branch {name}"


def replace_features(tree, rng, vocabulary):
    """Replace the whole input of a learner by new features."""
    paths = [
        (*path, 0)
        for path, node in tree.walk()
        if vocabulary.kind(node) == "learner" and node.inputs[0].operator != STACK
    ]
    if not paths:
        return None
    path = _pick(paths, rng)
    old = tree.at(path)
    room = vocabulary.max_size - tree.size + old.size
    new = random_features(rng, vocabulary, room)
    return tree.replace_at(
        path, new
    ), f"new features below {tree.at(path[:-1]).operator}"


def add_stacked(tree, rng, vocabulary):
    """Stack the whole pipeline with another estimator, or extend its stack."""
    path = last_learner_path(tree, vocabulary)
    stack = tree.at((*path, 0))
    room = vocabulary.max_size - tree.size
    if stack.operator == STACK:
        if room < 1:
            return None
        member = random_estimator(rng, vocabulary, room)
        new = vocabulary.node(STACK, [*stack.inputs, member])
        return tree.replace_at((*path, 0), new), f"stacked {member.operator}"
    if room < 3:  # the stack itself, the last learner and another estimator
        return None
    member = random_estimator(rng, vocabulary, room - 2)
    learner = vocabulary.learners.draw(rng)
    new = vocabulary.node(STACK, [tree, member])
    new = new_node(learner, [new], rng, vocabulary)
    return new, f"stacked {member.operator} below {learner.name}"


def remove_stacked(tree, rng, vocabulary):
    """Remove an estimator from the stack, or keep one estimator without the stack."""
    path = last_learner_path(tree, vocabulary)
    stack = tree.at((*path, 0))
    if stack.operator != STACK:
        return None
    index = int(rng.integers(len(stack.inputs)))
    member = stack.inputs[index]
    if rng.random() < 0.5:
        return member, f"only {member.operator} of the stack"
    rest = stack.inputs[:index] + stack.inputs[index + 1 :]
    if len(rest) == 1:
        return rest[0], f"only {rest[0].operator} of the stack"
    new = vocabulary.node(STACK, rest)
    return tree.replace_at((*path, 0), new), f"removed {member.operator} from the stack"


Mutation = Callable[[Node, np.random.Generator, Vocabulary], tuple[Node, str] | None]

# Probability of each mutation in trees in which all are possible. Perturbing the
# hyperparameters of learners gains most in short searches, other learners come second.
MUTATIONS: tuple[tuple[float, Mutation], ...] = (
    (0.54, perturb_estimator),
    (0.20, replace_learner),
    (0.05, perturb_features),
    (0.05, insert_transformer),
    (0.04, remove_operator),
    (0.03, replace_transformer),
    (0.02, insert_preparation),
    (0.01, replace_preparation),
    (0.02, add_branch),
    (0.01, replace_features),
    (0.01, insert_wrapper),
    (0.01, add_stacked),
    (0.01, remove_stacked),
)
MUTATION_SHARES = np.array([share for share, _ in MUTATIONS])


def _pick(items, rng):
    return items[int(rng.integers(len(items)))]
