"""Re-ranking of the portfolio by the posterior weights after each evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sklearn_meta.metalearning._portfolio import PortfolioCriterion
from sklearn_meta.metalearning._posterior import DatasetPosterior


@dataclass(frozen=True)
class FirstThen:
    """Choose some pipelines before a reranker chooses among the others.

    Parameters
    ----------
    first : frozenset of str
        Pipelines that are chosen first, in the order of the portfolio.
    then : PortfolioReranker or FirstThen
    """

    first: frozenset[str] = field(repr=False)
    then: PortfolioReranker | FirstThen = field(repr=False)

    def best_next(self, texts, scores, pending=()) -> str:
        """Choose the pipeline to evaluate next; see `PortfolioReranker`."""
        for text in texts:
            if text in self.first:
                return text
        return self.then.best_next(texts, scores, pending)

    def posterior_after(self, scores) -> DatasetPosterior:
        """Return the posterior after some evaluations; see `PortfolioReranker`."""
        return self.then.posterior_after(scores)


@dataclass(frozen=True)
class PortfolioReranker:
    """Choose the next pipeline of a portfolio, given the evaluations so far.

    Parameters
    ----------
    criterion : PortfolioCriterion
    posterior : DatasetPosterior
        Before the first evaluation.
    pipelines : mapping of str to int
        Column of each pipeline in the regrets, by its canonical text on the new
        dataset.
    unknown_after : int, default=0
        Number of evaluations after which pipelines that are not in `pipelines` are
        chosen first; before, they are chosen last.
    """

    criterion: PortfolioCriterion = field(repr=False)
    posterior: DatasetPosterior = field(repr=False)
    pipelines: Mapping[str, int] = field(repr=False)
    unknown_after: int = 0

    def best_next(
        self,
        texts: Sequence[str],
        scores: Mapping[str, float],
        pending: Sequence[str] = (),
    ) -> str:
        """Choose the pipeline to evaluate next.

        Parameters
        ----------
        texts : sequence of str
            Pipelines to choose from, at least one. Among those that are not in
            `pipelines`, the first one is chosen.
        scores : mapping of str to float
            Scores so far, in the order in which they were told; greater is better,
            not finite for a failure.
        pending : sequence of str, default=()
            Pipelines that are being evaluated.

        Returns
        -------
        text : str
        """
        waiting = {self.pipelines.get(text): text for text in reversed(texts)}
        unknown = waiting.pop(None, None)
        n_begun = len(scores) + len(pending)
        if unknown is not None and (n_begun >= self.unknown_after or not waiting):
            return unknown
        posterior = self.posterior_after(scores)
        running = [self.pipelines[t] for t in pending if t in self.pipelines]
        chosen = self.criterion.select(
            1, posterior.weights, [*posterior.tried, *running], among=list(waiting)
        )
        return waiting[chosen[0]] if chosen else texts[0]

    def posterior_after(self, scores: Mapping[str, float]) -> DatasetPosterior:
        """Return the posterior after some evaluations.

        Parameters
        ----------
        scores : mapping of str to float
            See `best_next`; those of pipelines that are not in `pipelines` are ignored.

        Returns
        -------
        posterior : DatasetPosterior
        """
        posterior = self.posterior
        for text, score in scores.items():
            if text in self.pipelines:
                posterior = posterior.updated(self.pipelines[text], score)
        return posterior
