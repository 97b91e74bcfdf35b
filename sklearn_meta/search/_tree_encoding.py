"""Encode pipeline trees as vectors, for kernels over pipelines.

Each tree has two vectors: one for its *shape* (the last learner and the other
operators) and one for its *values* (hyperparameters, on the scale on which they are
drawn). Kernels over pipelines are functions of the squared distances of both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sklearn_meta.pipelines._hyperparameters import Choice
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node

# Coordinate of an operator other than the last learner: the distance between trees that
# differ in a transformer or wrapper is smaller than with different learners.
OTHER_OPERATOR = 0.7


@dataclass(frozen=True)
class TreeVectors:
    """Vectors of several trees.

    Parameters
    ----------
    shapes : ndarray of shape (n_trees, n_names)
        Coordinates of operators.
    values : ndarray of shape (n_trees, n_coordinates)
        Coordinates of hyperparameters.
    """

    shapes: np.ndarray = field(repr=False)
    values: np.ndarray = field(repr=False)

    def __len__(self):
        return len(self.shapes)

    def take(self, rows) -> TreeVectors:
        """Return the vectors of some of the trees, by index."""
        return TreeVectors(self.shapes[rows], self.values[rows])

    def joined(self) -> np.ndarray:
        """Return the coordinates of shapes and values side by side."""
        return np.concatenate([self.shapes, self.values], axis=1)

    def concatenate(self, other) -> TreeVectors:
        """Return the vectors of these trees, followed by those of others."""
        return TreeVectors(
            np.concatenate([self.shapes, other.shapes]),
            np.concatenate([self.values, other.values]),
        )


def differing(coordinates) -> np.ndarray:
    """Return which columns differ between trees; the first one if none does.

    Parameters
    ----------
    coordinates : ndarray of shape (n_trees, n_coordinates)

    Returns
    -------
    differ : ndarray of bool of shape (n_coordinates,)
    """
    differ = np.ptp(coordinates, axis=0) > 0
    differ[:1] |= not differ.any()
    return differ


@dataclass(frozen=True)
class TreeEncoder:
    """Encoder of the trees of a catalog; see `tree_encoder`.

    Parameters
    ----------
    catalog : Catalog
    learners, others : mapping of str to int
        Coordinate of each operator in the shape, as the last learner and elsewhere.
    offsets : mapping of (str, str) to int
        First coordinate of each hyperparameter in the values, by the names of its
        operator and its own.
    n_coordinates : int
        Number of coordinates of the values.
    """

    catalog: Catalog = field(repr=False)
    learners: Mapping[str, int] = field(repr=False)
    others: Mapping[str, int] = field(repr=False)
    offsets: Mapping[tuple[str, str], int] = field(repr=False)
    n_coordinates: int

    def encode(self, trees: Sequence[Node]) -> TreeVectors:
        """Return the vectors of trees whose operators are in the catalog."""
        shapes = np.zeros((len(trees), len(self.learners) + len(self.others)))
        values = np.zeros((len(trees), self.n_coordinates))
        for tree, shape, coordinates in zip(trees, shapes, values, strict=True):
            self._encode(tree, shape, coordinates)
        return TreeVectors(shapes, values)

    def numbers(self, tree):
        """Return the numeric hyperparameters of a tree, with their coordinates.

        Parameters
        ----------
        tree : Node

        Returns
        -------
        numbers : list of (tuple of int, Float or Integer, int, float)
            Path of the operator, hyperparameter, its coordinate in the values, and its
            position on its scale. Without those whose value is None or outside of the
            range.
        """
        found = []
        for path, node in tree.walk():
            if node.operator in (INPUT, UNION, STACK):
                continue
            given = dict(node.params)
            for h in self.catalog.find(node.operator).hyperparameters:
                value = given.get(h.name, h.default)
                if isinstance(h, Choice) or value is None:
                    continue
                if h.low <= value <= h.high and h.low < h.high:
                    first = self.offsets[node.operator, h.name]
                    found.append((path, h, first, unit(h, value)))
        return found

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
                # Different learners have the distance 1.
                shape[self.learners[node.operator]] = math.sqrt(0.5)
            else:
                shape[self.others[node.operator]] += OTHER_OPERATOR
            if node.operator in (UNION, STACK):
                continue
            given = dict(node.params)
            for h in self.catalog.find(node.operator).hyperparameters:
                first = self.offsets[node.operator, h.name]
                value = given.get(h.name, h.default)
                if isinstance(h, Choice):
                    coordinates[first + _index(h, value)] = math.sqrt(0.5)
                elif value is None:
                    coordinates[first + 1] = 0.5
                else:
                    coordinates[first] = unit(h, value) - 0.5


def tree_encoder(catalog: Catalog) -> TreeEncoder:
    """Return the encoder of the trees of a catalog.

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
    """Scale the value of a numeric hyperparameter to [0, 1].

    Parameters
    ----------
    hyperparameter : Float or Integer
        Its range, and whether the scale is logarithmic.
    value : int or float
        Values outside the range (some defaults) are clipped to it.

    Returns
    -------
    position : float
    """
    low, high = hyperparameter.low, hyperparameter.high
    value = min(max(value, low), high)
    if low == high:
        return 0.5
    if hyperparameter.log:
        return math.log(value / low) / math.log(high / low)
    return (value - low) / (high - low)


def _index(hyperparameter, value):
    """Return the index of a value of a `Choice`; 1, 1.0 and True are different."""
    return next(
        i
        for i, known in enumerate(hyperparameter.values)
        if known == value and type(known) is type(value)
    )
