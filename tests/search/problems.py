"""Search problems over the small catalogue, for the tests of strategies."""

from dataclasses import dataclass

from sklearn_meta.pipelines._operators import Catalogue
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.testing import make_problem
from tests.pipelines.small_catalogue import OPERATORS, small_catalogue


@dataclass(frozen=True)
class SmallSpace:
    """A `SearchSpace` whose built-in operators are the small catalogue's."""

    include: tuple | None = None
    max_size: int = 6

    def catalogue(self, task):
        space = SearchSpace(include=self.include, max_size=self.max_size)
        return space._select(small_catalogue(), task)


@dataclass(frozen=True)
class FixedSpace:
    """A space of exactly these operators."""

    operators: tuple = OPERATORS
    max_size: int = 6

    def catalogue(self, task):
        return Catalogue(self.operators)


def small_problem(task="classification", **changes):
    """A problem over the small catalogue."""
    return make_problem(task, **{"space": SmallSpace(), **changes})
