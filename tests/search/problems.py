"""Search problems over the small catalog, for the tests of strategies."""

from dataclasses import dataclass

from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.testing import make_problem
from tests.pipelines.small_catalog import OPERATORS


@dataclass(frozen=True)
class SmallSpace:
    """A `SearchSpace` whose built-in operators are the small catalog's."""

    include: tuple | None = None
    max_size: int = 6

    def catalog(self, task):
        space = SearchSpace(include=self.include, max_size=self.max_size)
        return space._select(OPERATORS, task)


@dataclass(frozen=True)
class FixedSpace:
    """A space of exactly these operators."""

    operators: tuple = OPERATORS
    max_size: int = 6

    def catalog(self, task):
        return Catalog(self.operators, task)


def small_problem(task="classification", **changes):
    """A problem over the small catalog."""
    return make_problem(task, **{"space": SmallSpace(), **changes})
