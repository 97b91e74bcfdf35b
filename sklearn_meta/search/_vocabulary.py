"""Vocabulary of a search: the operators that fit a table, and their probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._text import canonical_node
from sklearn_meta.pipelines._typing_rules import kind_of
from sklearn_meta.pipelines.catalog._losses import all_loss_operators
from sklearn_meta.pipelines.catalog._preparation import (
    FOR_CATEGORIES,
    FOR_MISSING,
    FOR_TEXT,
)
from sklearn_meta.search._protocol import SearchProblem

# Relative probability of operators that make a sparse table dense, on sparse tables:
# they are valid, but their results often exceed the memory.
DENSIFYING_WEIGHT = 0.2

# Built-in operators that are drawn for more than two classes only.
FOR_MANY_CLASSES = frozenset({"one_vs_rest"})

# Learners that ignore the features: variation cannot improve them.
BASELINES = frozenset({"dummy"})


@dataclass(frozen=True)
class WeightedOperators:
    """Operators with the probabilities with which they are drawn.

    Parameters
    ----------
    operators : tuple of Operator
    weights : tuple of float
        Probability of each operator.
    """

    operators: tuple[Operator, ...]
    weights: tuple[float, ...]

    def __len__(self):
        return len(self.operators)

    def draw(self, rng, exclude=()):
        """Draw an operator.

        Parameters
        ----------
        rng : numpy.random.Generator
        exclude : collection of str, default=()
            Names of operators that are not drawn.

        Returns
        -------
        operator : Operator or None
            None if all operators are excluded.
        """
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
    """Operators that trees are built from, grouped by kind; see `make_vocabulary`.

    Parameters
    ----------
    catalog : Catalog
        All operators of the search space.
    max_size : int
        Maximum number of operators in a tree.
    learners, transformers, preparations, wrappers : WeightedOperators
        Operators of each kind that have an effect on the table.
    """

    catalog: Catalog
    max_size: int
    learners: WeightedOperators
    transformers: WeightedOperators
    preparations: WeightedOperators
    wrappers: WeightedOperators

    def kind(self, node):
        """Return the kind of the operator of a node; see `kind_of`."""
        return kind_of(node.operator, catalog=self.catalog)

    def operator(self, node):
        """Return the operator of a node."""
        return self.catalog.find(node.operator)

    def node(self, name, inputs, params=()):
        """Build a canonical node from canonical inputs."""
        return canonical_node(name, inputs, params, self.catalog)


def make_vocabulary(problem: SearchProblem) -> Vocabulary:
    """Select the operators that have an effect on the table of a problem.

    Imputers need missing values, encoders need categories, weights of tokens need text,
    and multiclass wrappers need more than two classes.

    Parameters
    ----------
    problem : SearchProblem

    Returns
    -------
    vocabulary : Vocabulary
    """

    def has_effect(operator):
        if operator.name in problem.left_out:
            return False
        if operator.name in FOR_MISSING:
            return problem.has_missing
        if operator.name in FOR_CATEGORIES:
            return problem.has_categories
        if operator.name in FOR_TEXT:
            return problem.text is not None
        if operator.name in FOR_MANY_CLASSES:
            return problem.n_classes > 2
        if operator.kind == "preparation":
            return problem.has_missing or problem.has_categories
        return operator.name not in BASELINES

    def weighted(kind):
        operators = problem.catalog.select(kind)
        operators = tuple(filter(has_effect, operators)) or (
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
    # Operators that are here for the loss are drawn as often as all others together.
    special = {o.name for o in all_loss_operators()}
    of_loss = np.array([o.name in special for o in operators], dtype=bool)
    if of_loss.any() and not of_loss.all():
        weights[of_loss] = np.sum(~of_loss) / np.sum(of_loss)
    if is_sparse:
        dense_only = np.array([not o.accepts_sparse for o in operators], dtype=bool)
        weights = np.where(dense_only, DENSIFYING_WEIGHT, weights)
    return tuple((weights / weights.sum()).tolist())
