"""Pipeline trees as vectors: which learner, which operators, which values.

Two vectors for each tree: one of its *shape* (the last learner and the operators around
it) and one of its *values* (hyperparameters on the scale on which the search moves
them). Squared distances of both are what a kernel over pipelines is made of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.pipelines._hyperparameters import Choice
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node

# A transformer or a wrapper more or less changes a pipeline less than another learner.
AROUND = 0.7


@dataclass(frozen=True)
class TreeVectors:
    """Vectors of several trees.

    Parameters
    ----------
    shapes : ndarray of shape (n_trees, n_names)
    values : ndarray of shape (n_trees, n_coordinates)
    """

    shapes: np.ndarray = field(repr=False)
    values: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.shapes)

    def take(self, rows) -> TreeVectors:
        """Return the vectors of some of the trees."""
        return TreeVectors(self.shapes[rows], self.values[rows])

    def followed_by(self, other) -> TreeVectors:
        """Return the vectors of these trees and of others."""
        return TreeVectors(
            np.concatenate([self.shapes, other.shapes]),
            np.concatenate([self.values, other.values]),
        )


@dataclass(frozen=True)
class TreeEncoder:
    """Turns trees into vectors; see `tree_encoder`.

    Parameters
    ----------
    catalog : Catalog
    learners, others : mapping of str to int
        Coordinate of each name, as the last learner and elsewhere.
    offsets : mapping of (str, str) to int
        First coordinate of each hyperparameter.
    n_coordinates : int
    """

    catalog: Catalog = field(repr=False)
    learners: Mapping[str, int] = field(repr=False)
    others: Mapping[str, int] = field(repr=False)
    offsets: Mapping[tuple[str, str], int] = field(repr=False)
    n_coordinates: int

    def encode(self, trees: Sequence[Node]) -> TreeVectors:
        """Return the vectors of trees of operators of the catalog."""
        shapes = np.zeros((len(trees), len(self.learners) + len(self.others)))
        values = np.zeros((len(trees), self.n_coordinates))
        for tree, shape, coordinates in zip(trees, shapes, values, strict=True):
            self._encode(tree, shape, coordinates)
        return TreeVectors(shapes, values)

    def family(self, tree: Node) -> str:
        """Name of the last learner; ``"stack"`` if it learns from other estimators."""
        learner = self._last_learner(tree)
        return STACK if learner.inputs[0].operator == STACK else learner.operator

    def _last_learner(self, tree):
        while self.catalog.find(tree.operator).kind == "wrapper":
            tree = tree.inputs[0]
        return tree

    def _encode(self, tree, shape, coordinates):
        last = self._last_learner(tree)
        for _, node in tree.walk():
            if node.operator == INPUT:
                continue
            if node is last:
                # Two that differ are at a distance of one.
                shape[self.learners[node.operator]] = math.sqrt(0.5)
            else:
                shape[self.others[node.operator]] += AROUND
            if node.operator in (UNION, STACK):
                continue
            given = dict(node.params)
            for h in self.catalog.find(node.operator).hyperparameters:
                first = self.offsets[node.operator, h.name]
                value = given.get(h.name, h.default)
                if isinstance(h, Choice):
                    coordinates[first + _place(h, value)] = math.sqrt(0.5)
                elif value is None:
                    coordinates[first + 1] = 0.5
                else:
                    coordinates[first] = unit(h, value) - 0.5


def tree_encoder(catalog: Catalog) -> TreeEncoder:
    """Number what trees of a catalog can be made of.

    Parameters
    ----------
    catalog : Catalog

    Returns
    -------
    encoder : TreeEncoder
    """
    operators = tuple(catalog)
    learners = [o.name for o in operators if o.kind == "learner"]
    others = [UNION, STACK, *(o.name for o in operators)]
    offsets, n = {}, 0
    for operator in operators:
        for h in operator.hyperparameters:
            offsets[operator.name, h.name] = n
            n += len(h.values) if isinstance(h, Choice) else 2
    return TreeEncoder(
        catalog=catalog,
        learners={name: i for i, name in enumerate(learners)},
        others={name: len(learners) + i for i, name in enumerate(others)},
        offsets=offsets,
        n_coordinates=n,
    )


def unit(hyperparameter, value):
    """Place of a number in its range, in [0, 1], on the scale on which it is drawn.

    A default outside of the range is at its nearer end.
    """
    low, high = hyperparameter.low, hyperparameter.high
    value = min(max(value, low), high)
    if low == high:
        return 0.5
    if hyperparameter.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _place(hyperparameter, value):
    return next(
        i
        for i, known in enumerate(hyperparameter.values)
        if known == value and type(known) is type(value)
    )
