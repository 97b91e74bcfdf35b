"""The portfolio put into a new order after each finished evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sklearn_meta.metalearning._posterior import Belief


@dataclass(frozen=True)
class Guide:
    """Says what to try next, given what the evaluations so far have shown.

    Parameters
    ----------
    belief : Belief
        Before the first evaluation.
    pipelines : mapping of str to int
        Number in the belief of each pipeline, by its canonical text on this table.
    unknown_after : int, default=0
        Pipelines that the guide does not know are due after so many others.
    """

    belief: Belief = field(repr=False)
    pipelines: Mapping[str, int] = field(repr=False)
    unknown_after: int = 0

    def best_next(
        self,
        texts: Sequence[str],
        scores: Mapping[str, float],
        pending: Sequence[str] = (),
    ) -> str:
        """Choose among pipelines that wait for their turn.

        Parameters
        ----------
        texts : sequence of str
            Not empty. Of pipelines that the guide does not know, the first one is
            chosen once they are due, or nothing else waits.
        scores : mapping of str to float
            Scores so far, in the order in which they were told; greater is better,
            not finite for a pipeline that failed.
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
        chosen = self.believed(scores).order(
            1,
            among=list(waiting),
            pending=[self.pipelines[t] for t in pending if t in self.pipelines],
        )
        return waiting[chosen[0]] if chosen else texts[0]

    def believed(self, scores: Mapping[str, float]) -> Belief:
        """Return the belief after some evaluations.

        Parameters
        ----------
        scores : mapping of str to float
            See `best_next`; pipelines that the guide does not know say nothing.

        Returns
        -------
        belief : Belief
        """
        belief = self.belief
        for text, score in scores.items():
            if text in self.pipelines:
                belief = belief.told(self.pipelines[text], score)
        return belief
