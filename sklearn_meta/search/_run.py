"""State that all runs share: what was proposed, and the scores so far."""

from __future__ import annotations

import numpy as np

from sklearn_meta.evaluation._records import Candidate, Status
from sklearn_meta.pipelines._text import format_tree
from sklearn_meta.search._protocol import SearchProblem
from sklearn_meta.search._random_trees import random_tree
from sklearn_meta.search._vocabulary import make_vocabulary
from sklearn_meta.timing._operators import predicted_seconds

# Number of draws without a new pipeline after which the search space is considered
# exhausted. Otherwise one of the first few draws is new.
MAX_DRAWS = 300


class SearchRun:
    """Base of the runs of strategies; they implement `propose`.

    Parameters
    ----------
    problem : SearchProblem

    Attributes
    ----------
    vocabulary : Vocabulary
    seen : set of str
        Texts of the pipelines that were proposed, here or elsewhere.
    scores : dict of str to float
        Scores by text, in the order in which they were told, without skipped ones.
    """

    def __init__(self, problem: SearchProblem):
        self.problem = problem
        self.vocabulary = make_vocabulary(problem)
        self.seen: set[str] = set()
        self.scores: dict[str, float] = {}
        self._n_asked = 0

    def propose(self, rng) -> Candidate | None:
        """Return a candidate whose text is not in `seen`; None to end the search."""
        raise NotImplementedError

    def observe(self, evaluation):
        """Use an evaluation that was not skipped, after its score is in `scores`."""

    def ask(self, n):
        """Propose up to `n` new candidates; fewer if there are no more."""
        candidates = []
        for _ in range(n):
            # One random stream per proposal, so that proposals do not depend on the
            # number that is asked for at a time.
            rng = np.random.default_rng([self.problem.seed, self._n_asked])
            candidate = self.propose(rng)
            if candidate is None:
                break
            self._n_asked += 1
            self.seen.add(candidate.text)
            candidates.append(candidate)
        return candidates

    def tell(self, evaluations):
        """Add finished evaluations, also of candidates that were not proposed here."""
        for evaluation in evaluations:
            text = evaluation.candidate.text
            self.seen.add(text)
            if evaluation.status is not Status.SKIPPED:
                self.scores.setdefault(text, evaluation.score)
                self.observe(evaluation)

    def draw_unseen(self, rng):
        """Draw random pipelines until one has not been proposed before.

        Parameters
        ----------
        rng : numpy.random.Generator

        Returns
        -------
        candidate : Candidate or None
            None if none of `MAX_DRAWS` draws is new.
        """
        for _ in range(MAX_DRAWS):
            tree = random_tree(rng, self.vocabulary)
            text = format_tree(tree)
            if text not in self.seen:
                return Candidate(tree, text, "random")
        return None

    def predicted_seconds(self, tree):
        """Return the predicted seconds of one fit of a pipeline on the table.

        Parameters
        ----------
        tree : Node

        Returns
        -------
        seconds : float
        """
        problem = self.problem
        return predicted_seconds(
            tree,
            catalog=self.vocabulary.catalog,
            n_samples=problem.n_samples,
            n_features=problem.n_features,
            n_classes=problem.n_classes,
            n_outputs=problem.n_outputs,
            text=problem.text,
        )
