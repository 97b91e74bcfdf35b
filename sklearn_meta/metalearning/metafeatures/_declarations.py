"""What a meta-feature is, and what computes a few of them at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sklearn_meta.data._task_names import TASKS

# What a table may undergo without a meta-feature changing, up to rounding.
ROWS = "rows"  # another order of the rows
COLUMNS = "columns"  # another order of the columns
CLASSES = "classes"  # other names of the classes
DUPLICATION = "duplication"  # the table below itself
SCALE = "scale"  # a numeric column times a positive number
INVARIANCES = (ROWS, COLUMNS, CLASSES, DUPLICATION, SCALE)


@dataclass(frozen=True)
class MetaFeature:
    """Declaration of one meta-feature.

    Parameters
    ----------
    name : str
    meaning : str
        One line for people.
    invariances : frozenset of str
        Members of `INVARIANCES`. They hold for tables of which no rows, columns or
        classes are left out, see `Sample`.
    tasks : tuple of str
    group : str
        Name of the `Group`, which fills it in.
    """

    name: str
    meaning: str
    invariances: frozenset[str]
    tasks: tuple[str, ...] = TASKS
    group: str = ""


@dataclass(frozen=True)
class Cost:
    """Expected seconds of a step on one core.

    Measured once. Far from exact, it need only keep a large step out of a small rest;
    how fast the machine is shows in the steps before.

    Parameters
    ----------
    fixed : float
        Seconds on the smallest table.
    per_cell : float
        Seconds for each value of the sample.
    per_pair : float
        Seconds for each pair of its rows.
    """

    fixed: float = 3e-4
    per_cell: float = 0.0
    per_pair: float = 0.0

    def seconds(self, sample):
        """Return the expected seconds for a sample, by its number of rows and cells."""
        pairs = sample.n_samples**2
        return self.fixed + self.per_cell * sample.n_cells + self.per_pair * pairs


# A step of some microseconds is always run.
FREE = Cost(fixed=0.0)


@dataclass(frozen=True)
class Step:
    """A function that computes some meta-features from a `Sample`.

    Parameters
    ----------
    compute : callable
        ``compute(sample) -> mapping of str to float``. What it leaves out, or gives as
        a value that is not finite, is undefined for this table.
    cost : Cost
    tasks : tuple of str
        Tasks for which the step is run.
    """

    compute: Callable[[object], Mapping[str, float]]
    cost: Cost = Cost()
    tasks: tuple[str, ...] = TASKS

    @property
    def name(self):
        """Name of the step: that of its function."""
        return self.compute.__name__.strip("_")


def _as_it_is(sample):
    return sample


def _nothing(values):
    return {}


@dataclass(frozen=True)
class Group:
    """Meta-features that belong together, in the order in which they are computed.

    Parameters
    ----------
    name : str
    features : tuple of MetaFeature
    steps : tuple of Step
        Together they compute all `features`.
    time_share : float
        No step of the group begins after this share of the whole time limit, counted
        from the first step of the group.
    prepare : callable
        Makes of the `Sample` what the steps get; None if there is nothing to do.
    derive : callable
        Computes what depends on the results of several steps.
    """

    name: str
    features: tuple[MetaFeature, ...]
    steps: tuple[Step, ...]
    time_share: float = 0.3
    prepare: Callable[[object], object | None] = _as_it_is
    derive: Callable[[Mapping[str, float]], Mapping[str, float]] = _nothing

    def __post_init__(self):
        features = tuple(replace(f, group=self.name) for f in self.features)
        object.__setattr__(self, "features", features)


def spread(name, meaning, statistics, invariances, tasks=TASKS):
    """Declare one meta-feature for each statistic of a quantity that columns have.

    Parameters
    ----------
    name, meaning : str
        Of the quantity.
    statistics : iterable of str
        Keys of `sklearn_meta.metalearning.metafeatures._columns.STATISTICS`.
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
