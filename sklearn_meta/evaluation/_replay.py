"""Records of the evaluations of a search, and their replay in a search begun anew.

A search depends only on the sequence of the calls of ``ask`` and ``tell``. One that is
begun anew from the same prior and seed, asked as often, and told the same evaluations
in the same order, is therefore in the state in which an earlier run has ended, and goes
on from there. The engine makes the calls; a `Record` keeps what they need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sklearn_meta.evaluation._records import Evaluation, Status

# Reason of a candidate that was running when the search ended.
SEARCH_ENDED = "the search ended"


def is_unfinished(status, reason) -> bool:
    """Whether a longer search would have evaluated a candidate, or more of it.

    It was not started, for lack of time or of workers, or was running at the end. A
    strategy learns nothing from the first, and proposes nothing after the second.

    Parameters
    ----------
    status : Status
    reason : str
        `Evaluation.reason`.

    Returns
    -------
    is_unfinished : bool
    """
    return status == Status.SKIPPED or reason == SEARCH_ENDED


@dataclass(frozen=True)
class Entry:
    """An evaluation of an earlier run.

    Parameters
    ----------
    number : int
        `Evaluation.number`.
    text : str
        Canonical text of the candidate.
    n_asked : int or None
        How many candidates had been asked for when the search was told of the
        evaluation; None if evaluations were told in the order of their numbers.
    unfinished : bool, default=False
        See `is_unfinished`.
    """

    number: int
    text: str
    n_asked: int | None
    unfinished: bool = False


class Record(Protocol):
    """Keeps the evaluations of a search, and returns those of an earlier run.

    Implementations: `NoRecord`, `MemoryRecord` (warm start), `CheckpointFile`.

    Attributes
    ----------
    entries : sequence of Entry
        Of earlier runs, in the order in which they were finished.
    suspect : str
        Text of the candidate that was running in this process when an earlier run ended
        without an exception; empty if there was none.
    seconds_spent : float
        Seconds of earlier runs that count as a part of the budget.
    seconds_before : float
        Seconds of earlier runs that do not.
    n_extra : int
        Number of evaluations of earlier runs that `max_evaluations` does not count.
    """

    entries: Sequence[Entry]
    suspect: str
    seconds_spent: float
    seconds_before: float
    n_extra: int

    def load(self, entry: Entry) -> Evaluation:
        """Return an evaluation of an earlier run."""
        ...

    def add(self, evaluation, n_asked, seconds_spent, history) -> None:
        """Keep a finished evaluation, of which the search is told later."""
        ...

    def told(self, number) -> None:
        """Note that the history has an evaluation."""
        ...

    def begin_here(self, candidate) -> None:
        """Note that a candidate is about to run in this process."""
        ...

    def end(self, seconds_spent) -> None:
        """Note that the search has ended."""
        ...

    def diverged(self) -> None:
        """Note that the search has proposed another candidate than in earlier runs."""
        ...


class NoRecord:
    """Record of a search that nothing continues: it keeps nothing."""

    entries: Sequence[Entry] = ()
    suspect = ""
    seconds_spent = seconds_before = 0.0
    n_extra = 0

    def load(self, entry):
        """Fail: there are no entries."""
        raise KeyError(entry)

    def add(self, evaluation, n_asked, seconds_spent, history):
        """Keep nothing."""

    def told(self, number):
        """Keep nothing."""

    def begin_here(self, candidate):
        """Keep nothing."""

    def end(self, seconds_spent):
        """Keep nothing."""

    def diverged(self):
        """Keep nothing."""


class MemoryRecord(NoRecord):
    """Record in memory, for a warm start.

    Evaluations of which the search was told are in the history, whose limits of memory
    therefore hold; see `after`.

    Parameters
    ----------
    entries : sequence of Entry, default=()
        Of earlier runs.
    evaluations : iterable of Evaluation, default=()
        Those of the entries.
    """

    def __init__(self, entries=(), evaluations=()):
        self.entries = tuple(entries)
        self.n_extra = len(self.entries)
        self._evaluations = {e.number: e for e in evaluations}
        self.seconds_before = max(
            (e.elapsed or 0.0 for e in self._evaluations.values()), default=0.0
        )
        self._new: list[Entry] = []

    def load(self, entry):
        """Return an evaluation of an earlier run.

        Parameters
        ----------
        entry : Entry

        Returns
        -------
        evaluation : Evaluation
        """
        return self._evaluations[entry.number]

    def add(self, evaluation, n_asked, seconds_spent, history):
        """Keep a finished evaluation until the history has it.

        Parameters
        ----------
        evaluation : Evaluation
        n_asked : int or None
            See `Entry`.
        seconds_spent : float
            Not used: every fit has its own budget.
        history : History
            Not used.
        """
        # In this order: an interrupt may come in between.
        self._evaluations[evaluation.number] = evaluation
        self._new.append(
            Entry(
                evaluation.number,
                evaluation.candidate.text,
                n_asked,
                is_unfinished(evaluation.status, evaluation.reason),
            )
        )

    def told(self, number):
        """Forget an evaluation that the history has.

        Parameters
        ----------
        number : int
        """
        self._evaluations.pop(number, None)

    def after(self, history) -> MemoryRecord:
        """Return the record for the next fit.

        Parameters
        ----------
        history : History
            Of this fit.

        Returns
        -------
        record : MemoryRecord
        """
        evaluations = [*self._evaluations.values(), *history]
        # What was unfinished before may be among the new ones.
        again = {entry.number for entry in self._new}
        before = [entry for entry in self.entries if entry.number not in again]
        return MemoryRecord([*before, *self._new], evaluations)


class Replay:
    """What is left of the entries of a record, while a search is asked again.

    Unfinished candidates are asked for, but not told again: there may be time for them
    now.

    Parameters
    ----------
    record : Record
    """

    def __init__(self, record):
        self._left = {entry.number: entry for entry in record.entries}
        self.unfinished = {n: e for n, e in self._left.items() if e.unfinished}
        self._numbers = {entry.text: entry.number for entry in record.entries}
        # Greater than all numbers of earlier runs.
        self.n_numbers = max(self._left, default=-1) + 1

    def told_at_once(self) -> list[Entry]:
        """Return the entries that are told at a given number of proposals, in order."""
        return [entry for entry in self._left.values() if entry.n_asked is not None]

    def told_in_order(self, number) -> bool:
        """Whether an evaluation of a number is left, to be told when its turn comes."""
        entry = self._left.get(number)
        return entry is not None and entry.n_asked is None and not entry.unfinished

    def differs(self, number, text) -> bool:
        """Whether a proposal shows that the search is not that of the earlier runs.

        Parameters
        ----------
        number : int
        text : str

        Returns
        -------
        differs : bool
            False if nothing is left.
        """
        entry = self._left.get(number)
        if entry is not None:
            return entry.text != text
        return self._numbers.get(text) in self._left

    def has(self, entry) -> bool:
        """Whether an entry is left."""
        return entry.number in self._left

    def take(self, number) -> Entry:
        """Remove and return an entry."""
        return self._left.pop(number)

    def take_all(self) -> list[Entry]:
        """Remove all entries that are left; return them in the order of telling."""
        at_once = [entry for entry in self.told_at_once() if not entry.unfinished]
        in_order = sorted(n for n in self._left if self.told_in_order(n))
        entries = [*at_once, *(self._left[number] for number in in_order)]
        self._left, self.unfinished = {}, {}
        return entries
