"""Operators, declared as data, and the catalog that holds those of one task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sklearn_meta.data._task_names import CLASSIFICATION, TASKS
from sklearn_meta.pipelines._hyperparameters import Hyperparameter

Kind = Literal["preparation", "transformer", "learner", "wrapper"]
TextForm = Literal["components", "tfidf", "counts"]


@dataclass(frozen=True)
class Cost:
    """Predicted seconds of one fit as a function of the size of the table.

    ``least + seconds * (n / 1000) ** rows * (d / 20) ** columns * k ** classes`` on
    one thread, times the product over `params` of
    ``(value / default_of_that_hyperparameter) ** exponent``.

    Parameters
    ----------
    seconds : float
        Seconds of one fit on 1 000 rows and 20 numeric columns, two classes.
    rows, columns : float, default=1
        Exponents of the number of rows and of columns.
    classes : float, default=0
        Exponent of half the number of classes (1 for one model per class).
    params : mapping of str to float
        Exponents of the hyperparameters that the seconds depend on.
    least : float, default=0
        Seconds that do not depend on the table, such as those of constructing a hundred
        trees. They dominate on tables of few rows; zero stands for less than some
        milliseconds.
    """

    seconds: float
    rows: float = 1.0
    columns: float = 1.0
    classes: float = 0.0
    params: Mapping[str, float] = field(default_factory=dict)
    least: float = 0.0


@dataclass(frozen=True)
class Operator:
    """Declaration of one operator: a class, its search space, and its requirements.

    Parameters
    ----------
    name : str
        Name in pipeline texts; unique within a task.
    kind : {"preparation", "transformer", "learner", "wrapper"}
        Role in a pipeline. A preparation maps tables to tables (categories, missing
        values), a transformer maps numeric features to numeric features, a learner
        predicts, a wrapper is a meta-estimator of one estimator.
    path : str
        Import path of the class, such as ``"sklearn.linear_model.Ridge"``.
    tasks : tuple of {"classification", "regression"}, default=both
        Tasks for which the operator exists.
    hyperparameters : tuple of Hyperparameter, default=()
        Hyperparameters that the search varies.
    fixed : mapping, default={}
        Constructor arguments of constant value.
    accepts_missing, accepts_categories, accepts_sparse : bool, default=False
        Whether the input may hold NaN, columns of category codes, or be sparse. Where
        it may not, the compiler inserts a preparation.
    needs_nonnegative : bool, default=False
        Whether negative values are refused.
    text_as : {"components", "tfidf", "counts"}, default="components"
        What it gets of text: leading singular vectors of the TF-IDF weights of n-grams,
        beside the other columns; the sparse TF-IDF weights themselves, beside encoded
        categories and scaled numbers; or the table as it is, with counts of n-grams.
        Linear models and naive Bayes do best on the weights.
    random_state, sample_weight : bool, default=False
        Whether the class has a parameter `random_state`, and whether its `fit`
        takes `sample_weight`.
    multi_output : bool, default=False
        Whether it can be fitted to a target of several columns: a learner that predicts
        all of them, a transformer that takes all of them or ignores the target.
        Otherwise it and every later step are fitted once for each output.
    cost : Cost, default=Cost(0.01)
        Predicted seconds of one fit.
    requires : tuple of str, default=()
        Optional packages, or those that take long to import. A built-in operator is in
        the catalog only where they are installed, and workers import them in advance
        if the first pipelines of the search need them.
    build : callable, default=None
        ``build(params, context)`` returns the `Spec` of the operator, for those that
        are more than one call of one class. `params` maps the names of all
        hyperparameters to values, `context` is a `BuildContext`.
    """

    name: str
    kind: Kind
    path: str
    tasks: tuple[str, ...] = TASKS
    hyperparameters: tuple[Hyperparameter, ...] = ()
    fixed: Mapping[str, object] = field(default_factory=dict)
    accepts_missing: bool = False
    accepts_categories: bool = False
    accepts_sparse: bool = False
    needs_nonnegative: bool = False
    text_as: TextForm = "components"
    random_state: bool = False
    sample_weight: bool = False
    multi_output: bool = False
    cost: Cost = Cost(0.01)
    requires: tuple[str, ...] = ()
    build: Callable | None = None

    def hyperparameter(self, name) -> Hyperparameter | None:
        """Return the hyperparameter of a name.

        Parameters
        ----------
        name : str
            Name in the pipeline text.

        Returns
        -------
        hyperparameter : Float, Integer, Choice or None
            None if there is no such hyperparameter.
        """
        return next((h for h in self.hyperparameters if h.name == name), None)

    def defaults(self) -> dict[str, object]:
        """Return the default of every hyperparameter.

        Returns
        -------
        defaults : dict of str to value
            In the order of `hyperparameters`.
        """
        return {h.name: h.default for h in self.hyperparameters}


class Catalog:
    """Immutable collection of the operators of one task, looked up by name.

    Iterating over a catalog gives its operators in their order.

    Parameters
    ----------
    operators : iterable of Operator
        Operators of any task; those that do not exist for `task` are left out.
    task : {"classification", "regression"}

    Attributes
    ----------
    task : str
    tasks_elsewhere : dict of str to tuple of str
        Tasks of the operators that were left out, by name; for error messages.

    Raises
    ------
    ValueError
        If two operators of the task have the same name.
    """

    def __init__(self, operators: Iterable[Operator], task):
        self.task = task
        self.tasks_elsewhere: dict[str, tuple[str, ...]] = {}
        self._operators: dict[str, Operator] = {}
        for operator in operators:
            name = operator.name
            if task not in operator.tasks:
                self.tasks_elsewhere[name] = operator.tasks
            elif name in self._operators:
                raise ValueError(f"The catalog has two operators {name!r} for {task}.")
            else:
                self._operators[name] = operator

    def __iter__(self):
        return iter(self._operators.values())

    def __len__(self):
        return len(self._operators)

    @property
    def is_classifier(self) -> bool:
        """Whether the pipelines of these operators are classifiers."""
        return self.task == CLASSIFICATION

    def __getitem__(self, name) -> Operator:
        """Return the operator called `name`; a KeyError if there is none."""
        return self._operators[name]

    def find(self, name) -> Operator | None:
        """Return the operator of a name.

        Parameters
        ----------
        name : str
            Name in the pipeline text.

        Returns
        -------
        operator : Operator or None
            None if there is no such operator for this task.
        """
        return self._operators.get(name)

    def select(self, kind) -> tuple[Operator, ...]:
        """Return the operators of one kind.

        Parameters
        ----------
        kind : str
            See `Operator`.

        Returns
        -------
        operators : tuple of Operator
            In the order of the catalog.
        """
        return tuple(o for o in self if o.kind == kind)
