"""Pipeline trees: typed expression trees of operators, the genotype of the search.

A tree is built of `Node` objects. A leaf is the input table `X`. The two combinators
are `union` (features side by side) and `stack` (out-of-fold predictions of several
estimators as features); every other name is an operator of the catalog::

    tree        := estimator
    estimator   := learner(features, **hyperparameters)
                 | wrapper(estimator, **hyperparameters)
    features    := table
                 | transformer(features, **hyperparameters)
                 | union(features, features, ...)
                 | stack(estimator, estimator, ...)   directly below a learner only
    table       := X | preparation(table, **hyperparameters)

A `table` may hold categories and missing values; where an operator cannot take them,
the compiler puts the default preparation in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

INPUT = "X"
UNION = "union"
STACK = "stack"

Value = None | bool | int | float | str


@dataclass(frozen=True)
class Node:
    """One operator applied to its inputs.

    Parameters
    ----------
    operator : str
        Name of the operator, ``"union"``, ``"stack"``, or ``"X"`` for the input table.
    inputs : tuple of Node
        Subtrees that the operator is applied to; empty for ``"X"``.
    params : tuple of (str, value)
        Hyperparameters that differ from the operator's defaults, sorted by name.
    """

    operator: str
    inputs: tuple[Node, ...] = ()
    params: tuple[tuple[str, Value], ...] = ()

    def param(self, name, default=None):
        """Return the value of a hyperparameter.

        Parameters
        ----------
        name : str
            Name of the hyperparameter.
        default : object, default=None
            Value to return if the node leaves it out.

        Returns
        -------
        value : None, bool, int, float or str
            Value in the tree, or `default`.
        """
        return dict(self.params).get(name, default)

    def walk(self) -> Iterator[tuple[tuple[int, ...], Node]]:
        """Visit every node, depth first, the root first.

        Yields
        ------
        path : tuple of int
            Input indices that lead from the root to the node.
        node : Node
            The subtree there.
        """
        stack: list[tuple[tuple[int, ...], Node]] = [((), self)]
        while stack:
            path, node = stack.pop()
            yield path, node
            for i in reversed(range(len(node.inputs))):
                stack.append(((*path, i), node.inputs[i]))

    def at(self, path) -> Node:
        """Return the node at a path.

        Parameters
        ----------
        path : sequence of int
            Input indices that lead from this node to the other.

        Returns
        -------
        node : Node
            The subtree there.
        """
        node = self
        for i in path:
            node = node.inputs[i]
        return node

    def replace_at(self, path, new: Node) -> Node:
        """Return a copy with another subtree at a path.

        Parameters
        ----------
        path : sequence of int
            Input indices that lead from this node to the subtree.
        new : Node
            Subtree to put there.

        Returns
        -------
        tree : Node
            The changed copy; other subtrees are shared.
        """
        if not path:
            return new
        i, rest = path[0], path[1:]
        inputs = list(self.inputs)
        inputs[i] = inputs[i].replace_at(rest, new)
        return Node(self.operator, tuple(inputs), self.params)

    @property
    def size(self) -> int:
        """Number of operators in the tree; ``X`` and ``union`` do not count."""
        own = self.operator not in (INPUT, UNION)
        return own + sum(node.size for node in self.inputs)


X = Node(INPUT)
