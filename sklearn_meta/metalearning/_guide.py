"""The portfolio put into a new order after each finished evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sklearn_meta.metalearning._belief import Belief


@dataclass(frozen=True)
class Guide:
    """Says what to try next, given what the evaluations so far have shown.

    Parameters
    ----------
    belief : Belief
        Before the first evaluation.
    pipelines : mapping of str to int
        Number in the belief of each pipeline, by its canonical text on this table.
    """

    belief: Belief = field(repr=False)
    pipelines: Mapping[str, int] = field(repr=False)

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
            Not empty. Pipelines that the guide does not know come first, in their
            order: they were put in by hand.
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
        if None in waiting:
            return waiting[None]
        belief = self.belief
        for text, score in scores.items():
            if text in self.pipelines:
                belief = belief.told(self.pipelines[text], score)
        chosen = belief.order(
            1,
            among=list(waiting),
            pending=[self.pipelines[t] for t in pending if t in self.pipelines],
        )
        return waiting[chosen[0]] if chosen else texts[0]
