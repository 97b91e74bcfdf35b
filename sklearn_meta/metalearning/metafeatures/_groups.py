"""All meta-features, and how the groups of them are computed in limited time."""

from __future__ import annotations

import time
from contextlib import contextmanager

import numpy as np

from sklearn_meta.data._task_names import TASKS
from sklearn_meta.metalearning.metafeatures import (
    _correlation,
    _information,
    _landmarks,
    _missing,
    _simple,
    _spectrum,
    _statistical,
    _target,
)

# Cheap and telling ones first: where time is short, the later ones are left out.
GROUPS = (
    _simple.GROUP,
    _target.GROUP,
    _missing.GROUP,
    _statistical.GROUP,
    _information.GROUP,
    _correlation.GROUP,
    _spectrum.GROUP,
    _landmarks.GROUP,
)

# A step is begun if this many times its expected seconds are left.
SAFETY = 2.0

# Steps that took as long as expected, before the first: one short step that was held up
# must not stop all others.
PRIOR_SECONDS = 0.02

METAFEATURES = tuple(feature for group in GROUPS for feature in group.features)

METAFEATURE_NAMES = {
    task: tuple(f.name for f in METAFEATURES if task in f.tasks) for task in TASKS
}


def metafeature_names(task):
    """Return the names of the meta-features of a task, in their order.

    Parameters
    ----------
    task : {"classification", "regression"}

    Returns
    -------
    names : tuple of str

    Raises
    ------
    ValueError
        If there is no such task.

    Examples
    --------
    >>> from sklearn_meta.metalearning.metafeatures import metafeature_names
    >>> metafeature_names("regression")[:3]
    ('log_rows', 'log_columns', 'log_rows_per_column')
    """
    if task not in METAFEATURE_NAMES:
        raise ValueError(
            f"The task must be one of {', '.join(map(repr, TASKS))}. Got {task!r}."
        )
    return METAFEATURE_NAMES[task]


def run_groups(sample, *, time_limit, used=0.0, clock=time.perf_counter):
    """Compute as many meta-features as there is time for.

    Parameters
    ----------
    sample : Sample
    time_limit : float
        Seconds.
    used : float, default=0.0
        Seconds that are gone already.
    clock : callable
        Seconds that never go back.

    Returns
    -------
    values : dict of str to float
        Finite values only.
    seconds : dict of str to float
        For each group, and as ``"group.step"`` for each step that was run.
    """
    values, seconds = {}, {}
    task = sample.dataset.task.name
    pace = _Pace(clock)
    end = clock() - used + time_limit
    for group in GROUPS:
        begin = clock()
        deadline = min(end, begin + group.time_share * time_limit)
        found = _run_group(group, sample, task, deadline, pace, seconds)
        values |= {name: v for name, v in found.items() if np.isfinite(v)}
        seconds[group.name] = clock() - begin
    return values, seconds


def _run_group(group, sample, task, deadline, pace, seconds):
    """Return what the steps of a group found; add the seconds of each to `seconds`."""
    steps = [step for step in group.steps if task in step.tasks]
    # No preparation either where no step can follow.
    if not any(pace.allows(step.cost.seconds(sample), deadline) for step in steps):
        return {}
    prepared = group.prepare(sample)
    if prepared is None:
        return {}
    found = {}
    for step in steps:
        expected = step.cost.seconds(prepared)
        if pace.allows(expected, deadline):
            with pace.measured(expected) as taken:
                found |= step.compute(prepared)
            seconds[f"{group.name}.{step.name}"] = taken()
    return found | group.derive(found)


class _Pace:
    """How fast this machine is just now, by the steps that it has done so far.

    Parameters
    ----------
    clock : callable
    """

    def __init__(self, clock):
        self._clock = clock
        self._taken = self._expected = PRIOR_SECONDS

    def allows(self, expected, deadline):
        """Whether a step fits before the deadline, with as much again to spare."""
        needed = SAFETY * max(self._taken / self._expected, 1.0) * expected
        return expected == 0 or self._clock() + needed <= deadline

    @contextmanager
    def measured(self, expected):
        """Time a step; gives a function that returns its seconds afterwards."""
        begin = end = self._clock()
        yield lambda: end - begin
        end = self._clock()
        self._taken += end - begin
        self._expected += expected
