"""Declarations of meta-features, their invariances, and the steps that compute them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sklearn_meta.data._task_names import TASKS

# Transformations of a table that leave a meta-feature unchanged, up to rounding.
ROWS = "rows"  # a permutation of the rows
COLUMNS = "columns"  # a permutation of the columns
CLASSES = "classes"  # other names of the classes
DUPLICATION = "duplication"  # every row twice
SCALE = "scale"  # a numeric column times a positive number
INVARIANCES = (ROWS, COLUMNS, CLASSES, DUPLICATION, SCALE)


@dataclass(frozen=True)
class MetaFeature:
    """Declaration of one meta-feature.

    Parameters
    ----------
    name : str
    meaning : str
        One line of documentation.
    invariances : frozenset of str
        Members of `INVARIANCES`. They hold for tables that are small enough to be used
        as a whole, see `Sample`.
    tasks : tuple of str, default=TASKS
        Tasks for which it is defined.
    group : str
        Name of the `Group`, which sets it.
    """

    name: str
    meaning: str
    invariances: frozenset[str]
    tasks: tuple[str, ...] = TASKS
    group: str = ""


@dataclass(frozen=True)
class StepCost:
    """Expected seconds of a step on one core of a usual machine.

    Fitted to measured seconds once. They stand for the effort: which steps are run must
    not depend on how fast or busy a machine is.

    Parameters
    ----------
    fixed : float, default=3e-4
        Seconds on the smallest table.
    per_cell : float, default=0.0
        Seconds per value of the sample.
    per_output : float, default=0.0
        Seconds per value of the sample and column of its target; a class is a column.
    per_pair : float, default=0.0
        Seconds per pair of rows.
    """

    fixed: float = 3e-4
    per_cell: float = 0.0
    per_output: float = 0.0
    per_pair: float = 0.0

    def seconds(self, sample):
        """Return the expected seconds for a sample."""
        per_cell = self.per_cell + self.per_output * sample.n_outputs
        pairs = sample.n_samples**2
        return self.fixed + per_cell * sample.n_cells + self.per_pair * pairs


# Cost of a step that takes microseconds and is always run.
FREE = StepCost(fixed=0.0)


@dataclass(frozen=True)
class Step:
    """A function that computes some meta-features from a `Sample`.

    Parameters
    ----------
    compute : callable
        ``compute(sample) -> mapping of str to float``. Meta-features that are missing
        in the result, or not finite, are undefined for the table.
    cost : StepCost
        Expected seconds.
    tasks : tuple of str, default=TASKS
        Tasks for which the step is run.
    """

    compute: Callable[[object], Mapping[str, float]]
    cost: StepCost = StepCost()
    tasks: tuple[str, ...] = TASKS

    @property
    def name(self):
        """Name of the step: that of its function."""
        return self.compute.__name__.strip("_")


def _identity(sample):
    return sample


def _no_features(values):
    return {}


@dataclass(frozen=True)
class Group:
    """Related meta-features and the steps that compute them.

    Parameters
    ----------
    name : str
    features : tuple of MetaFeature
    steps : tuple of Step
        In the order in which they are run. Together they compute all `features`.
    effort_share : float, default=0.3
        Share of the whole limit that the group may use.
    prepare : callable, default=identity
        ``prepare(sample)`` returns the argument of the steps; None skips the group.
    derive : callable, default=no features
        ``derive(values)`` computes meta-features from the results of several steps.
    """

    name: str
    features: tuple[MetaFeature, ...]
    steps: tuple[Step, ...]
    effort_share: float = 0.3
    prepare: Callable[[object], object | None] = _identity
    derive: Callable[[Mapping[str, float]], Mapping[str, float]] = _no_features

    def __post_init__(self):
        features = tuple(replace(f, group=self.name) for f in self.features)
        object.__setattr__(self, "features", features)


def spread(name, meaning, statistics, invariances, tasks=TASKS):
    """Declare one meta-feature for each statistic of a quantity over columns.

    Parameters
    ----------
    name, meaning : str
        Of the quantity.
    statistics : iterable of str
        Keys of `sklearn_meta.metalearning.metafeatures._column_statistics.STATISTICS`.
    invariances : frozenset of str
    tasks : tuple of str

    Returns
    -------
    features : tuple of MetaFeature
        Named ``"{name}_{statistic}"``.
    """
    return tuple(
        MetaFeature(
            f"{name}_{statistic}",
            f"{_WORDS[statistic]} over columns of: {meaning}",
            invariances,
            tasks,
        )
        for statistic in statistics
    )


_WORDS = {
    "min": "smallest value",
    "q25": "lower quartile",
    "median": "median",
    "mean": "mean",
    "q75": "upper quartile",
    "max": "largest value",
    "sd": "standard deviation",
}
