"""Ask-and-tell protocol between search strategies and the evaluation of candidates.

A *strategy* (`EvolutionarySearch`, `RandomSearch`) holds the parameters of a search, in
the style of a scikit-learn estimator. ``strategy.start(problem)`` returns a new
`Search`, which holds the state of one run: ``ask`` returns candidates and ``tell``
takes their evaluations. A search does not depend on processes, folds or clocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sklearn_meta.evaluation._records import Candidate, Evaluation
from sklearn_meta.metalearning._prior import Prior
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.timing._text_size import TextSize, text_size


@dataclass(frozen=True)
class SearchProblem:
    """Description of a search: search space, prior and properties of the table.

    Parameters
    ----------
    catalog : Catalog
        Operators of the search space, for the task.
    max_size : int
        Maximum number of operators in a pipeline tree.
    prior : Prior
        Recommendations from earlier datasets, such as a portfolio of pipelines.
    n_samples, n_features : int
        Shape of the table. Used to predict fit times.
    n_classes : int, default=1
        Number of classes of one output; 1 for regression.
    n_outputs : int, default=1
        Number of columns of the target.
    has_categories : bool, default=False
        Whether the table has categorical columns. Without any, operators for
        categories are not proposed.
    has_missing : bool, default=False
        Whether the table has missing values. Without any, imputers are not proposed.
    is_sparse : bool, default=False
        Whether the table is a sparse matrix.
    text : TextSize or None, default=None
        Number of tokens of the table; None without text, where operators for text are
        not proposed.
    seed : int, default=0
        Seed of all random choices of the search.
    left_out : frozenset of str, default=frozenset()
        Names of operators that are proposed only in pipelines of the prior.
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
    text: TextSize | None = None
    seed: int = 0
    left_out: frozenset[str] = frozenset()


def make_problem(plan, prior, max_size) -> SearchProblem:
    """Return the search problem of a planned run.

    Parameters
    ----------
    plan : Plan
    prior : Prior
    max_size : int
        Maximum number of operators in a pipeline tree.

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
        text=text_size(dataset),
        seed=plan.context.seed,
        left_out=plan.left_out,
    )


class Search(Protocol):
    """Protocol of one run of a strategy, which proposes candidates.

    Proposals follow from the problem and the calls of ``ask`` and ``tell``, and not
    from evaluations whose status is skipped: an interrupted search is continued by
    repeating the other calls in a new run.

    See Also
    --------
    Strategy : Creates runs.
    """

    def ask(self, n: int) -> list[Candidate]:
        """Propose candidates.

        Parameters
        ----------
        n : int
            Maximum number of candidates.

        Returns
        -------
        candidates : list of Candidate
            Up to `n` candidates that were not proposed before. An empty list ends the
            search.
        """
        ...

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        """Pass finished evaluations to the search.

        Parameters
        ----------
        evaluations : sequence of Evaluation
            In the order of their numbers. Evaluations of candidates that the search has
            not proposed are allowed.
        """
        ...


class Strategy(Protocol):
    """Protocol of a search strategy: the parameters of a search.

    With a fixed number of evaluations, proposal ``k`` is asked for after all
    evaluations up to ``k - look_ahead`` have been told, and before any later one is
    told. The run is therefore the same for every number of workers.

    Attributes
    ----------
    look_ahead : int
        Number of proposals that are made before the first evaluation is required. It
        bounds the useful parallelism of runs with a fixed number of evaluations.

    See Also
    --------
    EvolutionarySearch : Genetic programming from the prior's portfolio.
    RandomSearch : Random pipelines.
    """

    look_ahead: int

    def start(self, problem: SearchProblem) -> Search:
        """Start a run of the search.

        Parameters
        ----------
        problem : SearchProblem
            Search space, prior and properties of the table.

        Returns
        -------
        search : Search
            A new run, independent of all others.
        """
        ...
