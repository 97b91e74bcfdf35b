"""How new trees are made: from nothing, from one tree, from two.

All functions are pure: they take trees, a random generator and a `Vocabulary`, and give
new canonical trees. Trees are typed, and every change keeps the types: what replaces a
subtree gives the same sort of result, so that an illegal tree cannot come about.
Beyond the grammar, variation keeps trees sensible: no more than ``max_size`` operators,
one stack at most, which feeds the last learner, no branch of a union twice, and no
operator directly on top of itself.

The shares of the changes follow what gains most in a short search: most offspring move
hyperparameters of a learner, some try another learner, the rest change the features.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._text import canonical_node, merged
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node, X
from sklearn_meta.pipelines._typing_rules import SORT_OF_KIND, SORTS_TAKEN, kind_of
from sklearn_meta.pipelines.catalog._preparation import FOR_CATEGORIES, FOR_MISSING
from sklearn_meta.search._protocol import SearchProblem

# Random trees. Short pipelines are most of what wins; the rest must stay reachable.
SHARE_WRAPPED = 0.08
SHARE_STACKED = 0.03
SHARE_PREPARED = 0.3
SHARE_BRANCHED = 0.2
TRANSFORMER_COUNTS = (0.45, 0.35, 0.15, 0.05)

# Defaults are good values: a new operator keeps each of them with this probability.
SHARE_DEFAULT = 0.5
# A perturbation sets a hyperparameter back to its default this often: the way back from
# values that have drifted together.
SHARE_RESET = 0.1

# Operators that turn a sparse table into a dense one are drawn this much less often on
# sparse tables: they work, but often do not fit.
DENSIFYING_WEIGHT = 0.2

# What is in a table decides which of the built-in operators make sense.
FOR_MANY_CLASSES = frozenset({"one_vs_rest"})

# They learn nothing from the features, and nothing better comes of changing them.
BASELINES = frozenset({"dummy"})


@dataclass(frozen=True)
class WeightedOperators:
    """Operators and the probabilities with which they are drawn."""

    operators: tuple[Operator, ...]
    weights: tuple[float, ...]

    def __len__(self):
        return len(self.operators)

    def draw(self, rng, exclude=()):
        """Draw an operator whose name is not in `exclude`; None if there is none."""
        weights = np.array(
            [
                0.0 if operator.name in exclude else weight
                for operator, weight in zip(self.operators, self.weights, strict=True)
            ]
        )
        total = weights.sum()
        if total <= 0:
            return None
        return self.operators[int(rng.choice(len(weights), p=weights / total))]


@dataclass(frozen=True)
class Vocabulary:
    """Operators that trees are made of, and how often each is drawn.

    Parameters
    ----------
    catalog : Catalog
    max_size : int
    learners, transformers, preparations, wrappers : WeightedOperators
        Only those that have something to do on the table.
    """

    catalog: Catalog
    max_size: int
    learners: WeightedOperators
    transformers: WeightedOperators
    preparations: WeightedOperators
    wrappers: WeightedOperators

    def kind(self, node):
        """Kind of the operator of a node; see `kind_of`."""
        return kind_of(node.operator, catalog=self.catalog)

    def operator(self, node):
        """Operator of a node."""
        return self.catalog.find(node.operator)

    def node(self, name, inputs, params=()):
        """Build a canonical node from canonical inputs."""
        return canonical_node(name, inputs, params, self.catalog)


def make_vocabulary(problem: SearchProblem) -> Vocabulary:
    """Collect the operators that are useful for a problem.

    Parameters
    ----------
    problem : SearchProblem

    Returns
    -------
    vocabulary : Vocabulary
    """

    def has_something_to_do(operator):
        if operator.name in problem.left_out:
            return False
        if operator.name in FOR_MISSING:
            return problem.has_missing
        if operator.name in FOR_CATEGORIES:
            return problem.has_categories
        if operator.name in FOR_MANY_CLASSES:
            return problem.n_classes > 2
        if operator.kind == "preparation":
            return problem.has_missing or problem.has_categories
        return operator.name not in BASELINES

    def weighted(kind):
        operators = problem.catalog.select(kind)
        operators = tuple(filter(has_something_to_do, operators)) or (
            operators if kind == "learner" else ()
        )
        return WeightedOperators(operators, _weights(operators, problem.is_sparse))

    return Vocabulary(
        catalog=problem.catalog,
        max_size=problem.max_size,
        learners=weighted("learner"),
        transformers=weighted("transformer"),
        preparations=weighted("preparation"),
        wrappers=weighted("wrapper"),
    )


def _weights(operators, is_sparse):
    weights = np.ones(len(operators))
    if is_sparse:
        dense_only = np.array([not o.accepts_sparse for o in operators], dtype=bool)
        weights = np.where(dense_only, DENSIFYING_WEIGHT, weights)
    return tuple((weights / weights.sum()).tolist())


# -- values ---------------------------------------------------------------------------


def _random_params(operator, rng):
    return [
        (h.name, h.sample(rng))
        for h in operator.hyperparameters
        if rng.random() >= SHARE_DEFAULT
    ]


def _apply(operator, inputs, rng, vocabulary):
    """Put a newly drawn operator with random hyperparameters on top of `inputs`."""
    params = _random_params(operator, rng)
    return vocabulary.node(operator.name, inputs, params)


# -- trees from nothing ---------------------------------------------------------------


def random_tree(rng, vocabulary):
    """Draw a pipeline of at most ``vocabulary.max_size`` operators.

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
    # A stack is four operators at least: two estimators, itself, and the last learner.
    if room >= 4 and rng.random() < SHARE_STACKED:
        members = []
        left = room - 2
        for others in (1, 0):
            members.append(_random_estimator(rng, vocabulary, left - others))
            left -= members[-1].size
        learner = vocabulary.learners.draw(rng)
        stack = vocabulary.node(STACK, members)
        return _finish(_apply(learner, [stack], rng, vocabulary), vocabulary)
    return _finish(_random_estimator(rng, vocabulary, room), vocabulary)


def _random_estimator(rng, vocabulary, room):
    wrapper = None
    if room >= 2 and rng.random() < SHARE_WRAPPED:
        wrapper = vocabulary.wrappers.draw(rng)
    learner = vocabulary.learners.draw(rng)
    features = _random_features(rng, vocabulary, room - 1 - (wrapper is not None))
    estimator = _apply(learner, [features], rng, vocabulary)
    if wrapper is not None:
        estimator = _apply(wrapper, [estimator], rng, vocabulary)
    return estimator


def _random_features(rng, vocabulary, room):
    table = X
    if room and len(vocabulary.preparations) and rng.random() < SHARE_PREPARED:
        table = _apply(vocabulary.preparations.draw(rng), [X], rng, vocabulary)
        room -= 1
    count = int(rng.choice(len(TRANSFORMER_COUNTS), p=TRANSFORMER_COUNTS))
    count = min(count, room) if len(vocabulary.transformers) else 0
    if not count:
        return table
    # Both branches begin with the table, and with what prepares it.
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
    for _ in range(count):
        operator = vocabulary.transformers.draw(rng, exclude=(features.operator,))
        if operator is not None:
            features = _apply(operator, [features], rng, vocabulary)
    return features


# -- a sensible form ------------------------------------------------------------------


def simplify(node, vocabulary):
    """Remove what does nothing: branches and stacked estimators that are there twice,
    unions directly inside of unions, operators directly on top of themselves.

    Parameters
    ----------
    node : Node
    vocabulary : Vocabulary

    Returns
    -------
    node : Node
        Of the same sort, and not larger.
    """
    if not node.inputs:
        return node
    inputs = [simplify(child, vocabulary) for child in node.inputs]
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
    # What stays as it is stays the same object, which is quick to compare.
    if len(inputs) == len(node.inputs) and all(
        new is old for new, old in zip(inputs, node.inputs, strict=True)
    ):
        return node
    return Node(node.operator, tuple(inputs), node.params)


def _finish(tree, vocabulary):
    """Bring a tree of canonical nodes into its canonical and simplest form."""
    simple = simplify(tree, vocabulary)
    # Removing one thing may put two equal ones side by side.
    return tree if simple is tree else _finish(simple, vocabulary)


# -- trees from one tree --------------------------------------------------------------


def mutate(tree, rng, vocabulary):
    """Change one thing in a tree.

    Parameters
    ----------
    tree : Node
        Canonical, of at most ``vocabulary.max_size`` operators.
    rng : numpy.random.Generator
    vocabulary : Vocabulary

    Returns
    -------
    result : (Node, str) or None
        The new tree, which differs from `tree`, and what was changed, for people. None
        if nothing can be changed.
    """
    # Weighted order without replacement: the first change that is possible wins.
    times = rng.exponential(size=len(MUTATIONS)) / MUTATION_SHARES
    order = np.argsort(times, kind="stable")
    for index in order:
        _, change = MUTATIONS[index]
        result = change(tree, rng, vocabulary)
        if result is None:
            continue
        new, description = result
        new = _finish(new, vocabulary)
        if new != tree:
            return new, description
    return None


def perturb_estimator(tree, rng, vocabulary):
    """Move hyperparameters of a learner or of a wrapper."""
    return _perturb(tree, rng, vocabulary, ("learner", "wrapper"))


def perturb_features(tree, rng, vocabulary):
    """Move hyperparameters of a preparation or of a transformer."""
    return _perturb(tree, rng, vocabulary, ("preparation", "transformer"))


def _perturb(tree, rng, vocabulary, kinds):
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
    # One most often, seldom more than three: a change that can be told from the rest.
    count = min(int(rng.geometric(0.6)), len(hyperparameters))
    chosen = rng.choice(len(hyperparameters), size=count, replace=False)
    changes = []
    for hyperparameter in (hyperparameters[i] for i in sorted(chosen)):
        name = hyperparameter.name
        old = params[name]
        new = _moved(hyperparameter, old, rng)
        if new != old or type(new) is not type(old):
            params[name] = new
            changes.append(f"{name} {old!r} -> {new!r}")
    if not changes:
        return None
    new = vocabulary.node(node.operator, node.inputs, params.items())
    return tree.replace_at(path, new), ", ".join(changes)


def _moved(hyperparameter, value, rng):
    if rng.random() < SHARE_RESET and value != hyperparameter.default:
        return hyperparameter.default
    return hyperparameter.perturb(value, rng)


def replace_learner(tree, rng, vocabulary):
    """Exchange a learner for another one on the same input."""
    return _replace(tree, rng, vocabulary, "learner", vocabulary.learners)


def replace_transformer(tree, rng, vocabulary):
    """Exchange a transformer for another one on the same input."""
    return _replace(tree, rng, vocabulary, "transformer", vocabulary.transformers)


def replace_preparation(tree, rng, vocabulary):
    """Exchange a preparation for another one on the same input."""
    return _replace(tree, rng, vocabulary, "preparation", vocabulary.preparations)


def _replace(tree, rng, vocabulary, kind, operators):
    paths = [path for path, node in tree.walk() if vocabulary.kind(node) == kind]
    if not paths:
        return None
    path = _pick(paths, rng)
    node = tree.at(path)
    operator = operators.draw(rng, exclude=(node.operator,))
    if operator is None:
        return None
    new = _apply(operator, node.inputs, rng, vocabulary)
    return tree.replace_at(path, new), f"{node.operator} -> {operator.name}"


def insert_transformer(tree, rng, vocabulary):
    """Put a transformer between two operators."""
    return _insert(tree, rng, vocabulary, ("table", "features"), "transformer")


def insert_preparation(tree, rng, vocabulary):
    """Put a preparation on top of a table."""
    return _insert(tree, rng, vocabulary, ("table",), "preparation")


def insert_wrapper(tree, rng, vocabulary):
    """Put a wrapper around an estimator that has none."""
    return _insert(tree, rng, vocabulary, ("estimator",), "wrapper")


def _insert(tree, rng, vocabulary, sorts, kind):
    if tree.size >= vocabulary.max_size:
        return None
    paths = []
    for path, node in tree.walk():
        parent_kind = _parent_kind(tree, path, vocabulary)
        fits_below = SORT_OF_KIND[vocabulary.kind(node)] in sorts
        fits_above = (
            parent_kind is None or SORT_OF_KIND[kind] in SORTS_TAKEN[parent_kind]
        )
        is_wrapped = "wrapper" in (vocabulary.kind(node), parent_kind)
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
    new = _apply(operator, [node], rng, vocabulary)
    return tree.replace_at(path, new), f"inserted {operator.name}"


def remove_operator(tree, rng, vocabulary):
    """Take out a preparation, a transformer, a wrapper, or a branch of a union."""
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
    """Put new features, or the table itself, beside features."""
    room = vocabulary.max_size - tree.size
    paths = [
        path
        for path, node in tree.walk()
        if SORT_OF_KIND[vocabulary.kind(node)] in ("table", "features")
        and "features" in SORTS_TAKEN[_parent_kind(tree, path, vocabulary)]
    ]
    if not paths:
        return None
    path = _pick(paths, rng)
    node = tree.at(path)
    branch = _random_features(rng, vocabulary, room)
    if node == branch:
        return None
    # The table stands first: categories can stay as they are in the first branch only.
    branches = [branch, node] if branch == X else [node, branch]
    name = INPUT if branch == X else branch.operator
    new = vocabulary.node(UNION, branches)
    return tree.replace_at(path, new), f"added branch {name}"


def replace_features(tree, rng, vocabulary):
    """Replace everything below a learner by new features."""
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
    new = _random_features(rng, vocabulary, room)
    return tree.replace_at(
        path, new
    ), f"new features below {tree.at(path[:-1]).operator}"


def add_stacked(tree, rng, vocabulary):
    """Stack the whole pipeline with another estimator, or add one to its stack."""
    path = _root_learner_path(tree, vocabulary)
    stack = tree.at((*path, 0))
    room = vocabulary.max_size - tree.size
    if stack.operator == STACK:
        if room < 1:
            return None
        member = _random_estimator(rng, vocabulary, room)
        new = vocabulary.node(STACK, [*stack.inputs, member])
        return tree.replace_at((*path, 0), new), f"stacked {member.operator}"
    if room < 3:  # the stack itself, the last learner, and another estimator
        return None
    member = _random_estimator(rng, vocabulary, room - 2)
    learner = vocabulary.learners.draw(rng)
    new = vocabulary.node(STACK, [tree, member])
    new = _apply(learner, [new], rng, vocabulary)
    return new, f"stacked {member.operator} below {learner.name}"


def remove_stacked(tree, rng, vocabulary):
    """Take an estimator out of the stack, or leave one of it alone."""
    path = _root_learner_path(tree, vocabulary)
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


Change = Callable[[Node, np.random.Generator, Vocabulary], tuple[Node, str] | None]

# Share of each change in all mutations, where it is possible.
MUTATIONS: tuple[tuple[float, Change], ...] = (
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


# -- trees from two trees -------------------------------------------------------------


def crossover(first, second, rng, vocabulary):
    """Put a part of `second` in the place of a part of `first` of the same sort.

    Where both end in the same learner, half of the offspring mix the hyperparameters
    of the two instead.

    Parameters
    ----------
    first, second : Node
        Canonical, of at most ``vocabulary.max_size`` operators.
    rng : numpy.random.Generator
    vocabulary : Vocabulary

    Returns
    -------
    tree : Node or None
        Differs from both; None if there is no such tree.
    """
    if rng.random() < 0.5:
        tree = _mix_params(first, second, rng, vocabulary)
        if tree not in (None, first, second):
            return tree
    exchanges = _exchanges(first, second, vocabulary)
    for index in rng.permutation(len(exchanges)):
        path, new = exchanges[index]
        tree = _finish(first.replace_at(path, new), vocabulary)
        if tree not in (first, second):
            return tree
    return None


def _mix_params(first, second, rng, vocabulary):
    path = _root_learner_path(first, vocabulary)
    mine = first.at(path)
    other = second.at(_root_learner_path(second, vocabulary))
    if mine.operator != other.operator or mine.params == other.params:
        return None
    defaults = vocabulary.operator(mine).defaults()
    params = {
        name: (mine if rng.random() < 0.5 else other).param(name, default)
        for name, default in defaults.items()
    }
    new = vocabulary.node(mine.operator, mine.inputs, params.items())
    return _finish(first.replace_at(path, new), vocabulary)


def _exchanges(first, second, vocabulary):
    """All pairs of a path in `first` and a subtree of `second` that may go there."""
    room = vocabulary.max_size - first.size
    stack_path = (*_root_learner_path(first, vocabulary), 0)
    donors = list(dict.fromkeys(node for _, node in second.walk()))
    with_stack = set()
    if any(donor.operator == STACK for donor in donors):
        with_stack = {d for d in donors if STACK in (n.operator for _, n in d.walk())}
    kinds = [vocabulary.kind(donor) for donor in donors]
    exchanges = []
    for path, node in first.walk():
        if not path:
            continue
        parent_kind = _parent_kind(first, path, vocabulary)
        for donor, kind in zip(donors, kinds, strict=True):
            if (
                SORT_OF_KIND[kind] in SORTS_TAKEN[parent_kind]
                and donor != node
                and donor.size <= room + node.size
                and (donor not in with_stack or (kind == STACK and path == stack_path))
                and not (kind == parent_kind == "wrapper")
            ):
                exchanges.append((path, donor))
    # A learner of `second`, with its hyperparameters, on an input in `first`.
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


# -- places in a tree -----------------------------------------------------------------


def _pick(items, rng):
    return items[int(rng.integers(len(items)))]


def _parent_kind(tree, path, vocabulary):
    return vocabulary.kind(tree.at(path[:-1])) if path else None


def family(tree, vocabulary):
    """Name of the last learner; ``"stack"`` if it learns from other estimators."""
    learner = tree.at(_root_learner_path(tree, vocabulary))
    if learner.inputs[0].operator == STACK:
        return STACK
    return learner.operator


def _root_learner_path(tree, vocabulary):
    """Path of the last learner, which may stand inside of wrappers."""
    path = ()
    while vocabulary.kind(tree.at(path)) == "wrapper":
        path = (*path, 0)
    return path
