"""All groups of meta-features, and their computation within a limit of the effort."""

from __future__ import annotations

import time

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

# Cheap and informative groups first: where the limit is low, later ones are left out.
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


def run_groups(sample, *, effort_limit, clock=time.perf_counter):
    """Compute the meta-features that fit in a limit of the effort.

    The effort is counted in expected seconds, see `StepCost`. What is computed depends
    on the sample and the limit only, never on how fast or busy the machine is.

    Parameters
    ----------
    sample : Sample
    effort_limit : float
        Expected seconds.
    clock : callable, default=time.perf_counter
        Returns monotonic seconds, for the report.

    Returns
    -------
    values : dict of str to float
        Finite values only.
    seconds : dict of str to float
        Measured, of each group, and as ``"group.step"`` of each step that was run.
    """
    values, seconds = {}, {}
    task = sample.dataset.task.name
    spent = 0.0
    for group in GROUPS:
        begin = clock()
        limit = min(effort_limit, spent + group.effort_share * effort_limit)
        found, spent = _run_group(group, sample, task, spent, limit, clock, seconds)
        values |= {name: v for name, v in found.items() if np.isfinite(v)}
        seconds[group.name] = clock() - begin
    return values, seconds


def _run_group(group, sample, task, spent, limit, clock, seconds):
    """Run the steps of a group that fit in a limit of the effort.

    Add the measured seconds of each to `seconds`. Return the meta-features, and the
    effort spent so far.
    """
    steps = [step for step in group.steps if task in step.tasks]
    # Without room for any step, the preparation is skipped as well.
    if all(spent + step.cost.seconds(sample) > limit for step in steps):
        return {}, spent
    prepared = group.prepare(sample)
    if prepared is None:
        return {}, spent
    found = {}
    for step in steps:
        effort = step.cost.seconds(prepared)
        if spent + effort > limit:
            continue
        begin = clock()
        found |= step.compute(prepared)
        seconds[f"{group.name}.{step.name}"] = clock() - begin
        spent += effort
    return found | group.derive(found), spent
