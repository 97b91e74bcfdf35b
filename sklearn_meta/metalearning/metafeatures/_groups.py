"""All groups of meta-features, and their computation within a time limit."""

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

# Cheap and informative groups first: where time is short, later ones are left out.
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

# A step is started if this many times its expected seconds are left.
SAFETY = 2.0

# Pseudo-observation of seconds that were as expected: a delay in one short step must
# not stop all others.
PRIOR_SECONDS = 0.02

METAFEATURES = tuple(feature for group in GROUPS for feature in group.features)

METAFEATURE_NAMES = {
    task: tuple(f.name for f in METAFEATURES if task in f.tasks) for task in TASKS
}


def metafeature_names(task):
    """Return the names of the meta-features of a task.

    Parameters
    ----------
    task : {"classification", "regression"}

    Returns
    -------
    names : tuple of str
        In the order of `MetaFeatures.names`.

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
            f"The 'task' must be one of {', '.join(map(repr, TASKS))}. Got {task!r} "
            "instead."
        )
    return METAFEATURE_NAMES[task]


def run_groups(sample, *, time_limit, used=0.0, clock=time.perf_counter):
    """Compute the meta-features that fit in a time limit.

    Parameters
    ----------
    sample : Sample
    time_limit : float
        Seconds.
    used : float, default=0.0
        Seconds of the time limit that have passed already.
    clock : callable, default=time.perf_counter
        Returns monotonic seconds.

    Returns
    -------
    values : dict of str to float
        Finite values only.
    seconds : dict of str to float
        Of each group, and as ``"group.step"`` of each step that was run.
    """
    values, seconds = {}, {}
    task = sample.dataset.task.name
    correction = _SpeedCorrection(clock)
    end = clock() - used + time_limit
    for group in GROUPS:
        begin = clock()
        deadline = min(end, begin + group.time_share * time_limit)
        found = _run_group(group, sample, task, deadline, correction, seconds)
        values |= {name: v for name, v in found.items() if np.isfinite(v)}
        seconds[group.name] = clock() - begin
    return values, seconds


def _run_group(group, sample, task, deadline, correction, seconds):
    """Run the steps of a group, and add the seconds of each to `seconds`."""
    steps = [step for step in group.steps if task in step.tasks]
    # Without time for any step, the preparation is skipped as well.
    if not any(
        correction.allows(step.cost.seconds(sample), deadline) for step in steps
    ):
        return {}
    prepared = group.prepare(sample)
    if prepared is None:
        return {}
    found = {}
    for step in steps:
        expected = step.cost.seconds(prepared)
        if correction.allows(expected, deadline):
            with correction.measured(expected) as taken:
                found |= step.compute(prepared)
            seconds[f"{group.name}.{step.name}"] = taken()
    return found | group.derive(found)


class _SpeedCorrection:
    """Correct expected seconds by the measured seconds of the steps before."""

    def __init__(self, clock):
        self._clock = clock
        self._taken = self._expected = PRIOR_SECONDS

    def allows(self, expected, deadline):
        """Return whether a step fits before the deadline, with a factor of safety."""
        needed = SAFETY * max(self._taken / self._expected, 1.0) * expected
        return expected == 0 or self._clock() + needed <= deadline

    @contextmanager
    def measured(self, expected):
        """Time a step; yield a function that returns its seconds afterwards."""
        begin = end = self._clock()
        yield lambda: end - begin
        end = self._clock()
        self._taken += end - begin
        self._expected += expected
