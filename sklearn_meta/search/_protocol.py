"""The protocol between a search strategy and the engine that evaluates.

A *strategy* (`EvolutionarySearch`, `RandomSearch`) is a scikit-learn style object with
plain parameters. ``strategy.start(problem)`` returns a fresh `Search`, which holds all
the state of one run: it is asked for candidates and told what became of them. The
engine never looks inside, and a search knows nothing of processes, folds or clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sklearn_meta.evaluation._records import Candidate, Evaluation
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.pipelines._operators import Catalog


@dataclass(frozen=True)
class SearchProblem:
    """Everything that a search may know before the first evaluation.

    Parameters
    ----------
    catalog : Catalog
        Operators that trees are made of; it knows the task.
    max_size : int
        Largest number of operators in a tree.
    prior : Prior
        What earlier datasets suggest.
    n_samples, n_features, n_classes : int
        Size of the table; one class for regression. For predicted costs.
    n_outputs : int
        Number of columns of the target.
    has_categories, has_missing, is_sparse : bool
        What the table holds, so that useless operators are not proposed.
    seed : int
        Seed of all randomness of the search.
    left_out : frozenset of str
        Names of operators that are proposed where the prior does so only.
    """

    catalog: Catalog
    max_size: int
    prior: Prior
    n_samples: int
    n_features: int
    n_classes: int = 1
    n_outputs: int = 1
    has_categories: bool = False
    has_missing: bool = False
    is_sparse: bool = False
    seed: int = 0
    left_out: frozenset[str] = frozenset()


def make_problem(plan, prior, max_size) -> SearchProblem:
    """Return what a search may know of a planned run.

    Parameters
    ----------
    plan : Plan
    prior : Prior
    max_size : int
        Largest number of operators in a tree.

    Returns
    -------
    problem : SearchProblem
    """
    dataset = plan.context.dataset
    task, schema = dataset.task, dataset.schema
    return SearchProblem(
        catalog=plan.context.catalog,
        max_size=max_size,
        prior=prior,
        n_samples=dataset.n_samples,
        n_features=dataset.n_features,
        n_classes=task.n_classes,
        n_outputs=task.n_outputs,
        has_categories=schema.n_categorical > 0,
        has_missing=bool(schema.missing),
        is_sparse=schema.sparse,
        seed=plan.context.seed,
        left_out=plan.left_out,
    )


class Search(Protocol):
    """One run of a strategy."""

    def ask(self, n: int) -> list[Candidate]:
        """Propose candidates that were not proposed before.

        Parameters
        ----------
        n : int
            Maximum number of candidates.

        Returns
        -------
        candidates : list of Candidate
            At most `n`; an empty list means that nothing new can be found.
        """
        ...

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Take note of finished evaluations.

        Parameters
        ----------
        evaluations : sequence of Evaluation
            In the order of their numbers.
        """
        ...


class Strategy(Protocol):
    """Parameters of a search; `look_ahead` bounds the useful parallelism.

    With a fixed number of evaluations, proposal ``k`` is asked for only after every
    evaluation up to ``k - look_ahead`` has been told, and before any later one is: the
    run is then the same for every number of workers.
    """

    look_ahead: int

    def start(self, problem: SearchProblem) -> Search:
        """Begin a run.

        Parameters
        ----------
        problem : SearchProblem
            What is known before the first evaluation.

        Returns
        -------
        search : Search
            State of the run; a strategy itself holds parameters only.
        """
        ...
