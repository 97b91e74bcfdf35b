"""Begin a search in a checkpoint, or go on with the one that it holds.

A search that goes on is planned again as at first: with the same seed and budget, and
on the same rows, which are stored. Then its evaluations are replayed, see
`sklearn_meta.evaluation._replay`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from sklearn_meta.evaluation._budget import reserve_seconds
from sklearn_meta.evaluation._checkpoint_file import (
    Begun,
    CheckpointFile,
    open_file,
    path_of,
)
from sklearn_meta.evaluation._fingerprint import differences
from sklearn_meta.exceptions import CheckpointMismatchError

MAY_CHANGE = (
    "What may change between fits is time_budget, max_evaluations, ensemble_size, "
    "max_predict_ms, max_megabytes, memory_limit, n_jobs and verbose."
)


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of a fit.

    Parameters
    ----------
    file : CheckpointFile or None
        None if there is no checkpoint; all methods return their first argument then.
    """

    file: CheckpointFile | None = None

    @property
    def _begun(self):
        return None if self.file is None else self.file.begun

    def first_budget(self, budget):
        """Return the budget that the search is planned for.

        Parameters
        ----------
        budget : Budget
            Of this fit.

        Returns
        -------
        budget : Budget
        """
        if self._begun is None:
            return budget
        return replace(budget, seconds=self._begun.budget_seconds)

    def as_begun(self, settings, fingerprint):
        """Return the settings with the seed of the search.

        Parameters
        ----------
        settings : SearchSettings
        fingerprint : Fingerprint or None
            Of the table and the settings.

        Returns
        -------
        settings : SearchSettings

        Raises
        ------
        CheckpointMismatchError
            If the search in the file is of another table or has other settings.
        """
        if self._begun is None:
            return settings
        changed = differences(self._begun.fingerprint, fingerprint)
        if changed:
            raise _mismatch(self.file, changed)
        return replace(settings, seed=self._begun.seed)

    def planned(self, plan, settings, budget, fingerprint):
        """Return the plan of this fit; store that of a new search.

        Parameters
        ----------
        plan : Plan
            For the budget that `first_budget` returns.
        settings : SearchSettings
        budget : Budget
            Of this fit.
        fingerprint : Fingerprint or None
            Of the table and the settings.

        Returns
        -------
        plan : Plan

        Raises
        ------
        CheckpointMismatchError
            If `cv` is an iterator that gives other splits than at first.
        """
        file, context = self.file, plan.context
        if file is None:
            return plan
        if file.begun is None:
            begun = Begun(fingerprint, settings.seed, budget.seconds)
            file.begin(begun, context.stages)
            return plan
        stages = file.stages(context.dataset.n_samples)
        # A splitter may draw other rows in each call, and a later version of a package
        # as well: the rows of the stored evaluations count. An iterator is known by
        # what it gives only.
        if hasattr(settings.cv, "__next__") and not _are_equal(stages, context.stages):
            raise _mismatch(file, ["cv"])
        plan = replace(plan, context=replace(context, stages=stages))
        spent = replace(budget, start=budget.start - file.seconds_spent)
        return plan.continued(settings, spent, file)


@contextmanager
def open_checkpoint(checkpoint) -> Iterator[Checkpoint]:
    """Open a checkpoint for the time of a fit.

    Parameters
    ----------
    checkpoint : path-like or None
        A folder or file; None for no checkpoint.

    Yields
    ------
    checkpoint : Checkpoint

    Raises
    ------
    CheckpointError
        If the file cannot be used.
    """
    if checkpoint is None:
        yield Checkpoint()
        return
    file = open_file(path_of(checkpoint))
    try:
        yield Checkpoint(file)
    finally:
        file.close()


def with_time_to_combine(plan, history, record):
    """Return the plan with at least the time that the final model needs.

    The fit that was interrupted may have been close to the end of its budget.

    Parameters
    ----------
    plan : Plan
    history : History
    record : Record

    Returns
    -------
    plan : Plan
        Unchanged in a fit that continues no checkpoint.
    """
    if not record.seconds_spent:
        return plan
    budget = plan.budget
    reserve = reserve_seconds(history, plan.context, budget, plan.n_workers)
    seconds = max(budget.seconds, budget.elapsed() + reserve)
    return replace(plan, budget=replace(budget, seconds=seconds))


def _mismatch(file, changed):
    """Return the error for a checkpoint of something else."""
    return CheckpointMismatchError(
        f"checkpoint={str(file.path)!r} holds a search that cannot be continued: not "
        f"the same as when it was begun: {', '.join(changed)}. Its scores cannot be "
        "compared with new ones. Pass another path, or delete the file to begin anew. "
        + MAY_CHANGE,
        changed,
    )


def _are_equal(first, second):
    """Whether stages have the same rows."""
    return len(first) == len(second) and all(
        a.screening == b.screening
        and np.array_equal(a.train, b.train)
        and np.array_equal(a.validation, b.validation)
        for a, b in zip(first, second, strict=True)
    )
