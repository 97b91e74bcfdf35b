"""Random pipeline trees, drawn from the grammar and the vocabulary of a search."""

from __future__ import annotations

from sklearn_meta.pipelines._tree import STACK, UNION, X
from sklearn_meta.search._simplification import simplify

# Probabilities of a wrapper, a stack, a preparation and a union in a random tree, and
# of 0, 1, 2 and 3 transformers. Most of the best pipelines are short; longer ones must
# remain reachable.
SHARE_WRAPPED = 0.08
SHARE_STACKED = 0.03
SHARE_PREPARED = 0.3
SHARE_BRANCHED = 0.2
TRANSFORMER_COUNTS = (0.45, 0.35, 0.15, 0.05)

# Defaults are good values: a new operator keeps each of them with this probability.
SHARE_DEFAULT = 0.5


def random_tree(rng, vocabulary):
    """Draw a random pipeline of at most ``vocabulary.max_size`` operators.

    Parameters
    ----------
    rng : numpy.random.Generator
    vocabulary : Vocabulary

    Returns
    -------
    tree : Node
        In canonical form.
    """
    room = vocabulary.max_size
    # A stack takes at least four operators: two estimators, itself, the last learner.
    if room >= 4 and rng.random() < SHARE_STACKED:
        members = []
        left = room - 2
        for others in (1, 0):
            members.append(random_estimator(rng, vocabulary, left - others))
            left -= members[-1].size
        learner = vocabulary.learners.draw(rng)
        stack = vocabulary.node(STACK, members)
        return simplify(new_node(learner, [stack], rng, vocabulary), vocabulary)
    return simplify(random_estimator(rng, vocabulary, room), vocabulary)


def random_estimator(rng, vocabulary, room):
    """Draw a random estimator without a stack.

    Parameters
    ----------
    rng : numpy.random.Generator
    vocabulary : Vocabulary
    room : int
        Maximum number of operators, at least 1.

    Returns
    -------
    tree : Node
    """
    wrapper = None
    if room >= 2 and rng.random() < SHARE_WRAPPED:
        wrapper = vocabulary.wrappers.draw(rng)
    learner = vocabulary.learners.draw(rng)
    features = random_features(rng, vocabulary, room - 1 - (wrapper is not None))
    estimator = new_node(learner, [features], rng, vocabulary)
    if wrapper is not None:
        estimator = new_node(wrapper, [estimator], rng, vocabulary)
    return estimator


def random_features(rng, vocabulary, room):
    """Draw random features: the table, transformers on it, or a union of both.

    Parameters
    ----------
    rng : numpy.random.Generator
    vocabulary : Vocabulary
    room : int
        Maximum number of operators; with 0, the table itself.

    Returns
    -------
    tree : Node
    """
    table = X
    if room and len(vocabulary.preparations) and rng.random() < SHARE_PREPARED:
        table = new_node(vocabulary.preparations.draw(rng), [X], rng, vocabulary)
        room -= 1
    count = int(rng.choice(len(TRANSFORMER_COUNTS), p=TRANSFORMER_COUNTS))
    count = min(count, room) if len(vocabulary.transformers) else 0
    if not count:
        return table
    # Both branches start from the table and its preparation.
    if rng.random() < SHARE_BRANCHED and room > table.size:
        count = min(count, room - table.size)
        first = int(rng.integers(count))
        branches = [
            _random_chain(table, first, rng, vocabulary),
            _random_chain(table, count - first, rng, vocabulary),
        ]
        return vocabulary.node(UNION, branches)
    return _random_chain(table, count, rng, vocabulary)


def _random_chain(features, count, rng, vocabulary):
    """Apply `count` random transformers to features, one after the other."""
    for _ in range(count):
        operator = vocabulary.transformers.draw(rng, exclude=(features.operator,))
        if operator is not None:
            features = new_node(operator, [features], rng, vocabulary)
    return features


def new_node(operator, inputs, rng, vocabulary):
    """Apply an operator with random hyperparameters to inputs.

    Parameters
    ----------
    operator : Operator
    inputs : sequence of Node
        Canonical.
    rng : numpy.random.Generator
    vocabulary : Vocabulary

    Returns
    -------
    node : Node
        In canonical form.
    """
    params = _random_params(operator, rng)
    return vocabulary.node(operator.name, inputs, params)


def _random_params(operator, rng):
    """Draw the hyperparameters that do not keep their defaults."""
    return [
        (h.name, h.sample(rng))
        for h in operator.hyperparameters
        if rng.random() >= SHARE_DEFAULT
    ]
