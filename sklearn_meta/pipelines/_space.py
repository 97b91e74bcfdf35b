"""The search space: operators of pipelines, and the largest size of a pipeline."""

from __future__ import annotations

import keyword

from sklearn.base import BaseEstimator

from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._typing_rules import RESERVED, suggestion


class SearchSpace(BaseEstimator):
    """The pipelines that a search may propose.

    Parameters
    ----------
    include : list of str or None, default=None
        Names of the built-in operators to use; None uses all. At least one learner must
        be among them or in `operators`. Where a learner needs a preparation, such as
        imputation, the compiler inserts a default one even if none is named here.
    exclude : list of str, default=()
        Names of built-in operators not to use.
    operators : list of Operator, default=()
        Further operators. One with the name of a built-in operator replaces it, for
        the tasks of the new one.
    max_size : int, default=6
        Largest number of operators in a pipeline. Six are enough for two preparations
        and three transformers below a learner, or for a stack of two short pipelines;
        longer ones have rarely paid for their time in published GP searches.

    Examples
    --------
    >>> from sklearn_meta.pipelines import SearchSpace
    >>> space = SearchSpace(exclude=["mlp"], max_size=3)
    >>> space.get_params()["max_size"]
    3
    """

    def __init__(self, include=None, exclude=(), operators=(), max_size=6):
        self.include = include
        self.exclude = exclude
        self.operators = operators
        self.max_size = max_size

    def catalog(self, task, loss=None):
        """Return the operators of this space for one task.

        Parameters
        ----------
        task : {"classification", "regression"}
        loss : Loss or None, default=None
            Loss of regression that `scoring` judges. Built-in learners of this loss are
            part of the space; None for none of them.

        Returns
        -------
        catalog : Catalog
            Operators that exist for the task.

        Raises
        ------
        TypeError
            If a parameter has the wrong type.
        ValueError
            If a name is unknown, or no learner is left.
        """
        # Imported late: a space is also used to hold parameters only.
        from sklearn_meta.pipelines.catalog._default import built_in_operators
        from sklearn_meta.pipelines.catalog._losses import (
            all_loss_operators,
            loss_operators,
        )

        of_loss = () if loss is None else loss_operators(loss)
        return self._select(
            (*built_in_operators(), *of_loss), task, elsewhere=all_loss_operators()
        )

    def _select(self, built_in, task, elsewhere=()):
        """Select from the built-in operators, which are of both tasks.

        The operators `elsewhere` may be named, but are not there.
        """
        self._check_max_size()
        known = {operator.name for operator in (*built_in, *elsewhere)}
        include = self._checked_names("include", self.include, known)
        exclude = self._checked_names("exclude", self.exclude, known)
        own = self._checked_operators()
        replaced = {operator.name for operator in own if task in operator.tasks}

        selected = [
            operator
            for operator in built_in
            if (include is None or operator.name in include)
            and operator.name not in exclude
            and operator.name not in replaced
        ]
        catalog = Catalog((*selected, *own), task)
        if not catalog.select("learner"):
            raise ValueError(
                f"The search space has no learner for {task}. Name at least one in "
                "'include', such as 'lightgbm', remove it from 'exclude', or pass one "
                "of your own in 'operators'."
            )
        return catalog

    def _check_max_size(self):
        size = self.max_size
        if isinstance(size, bool) or not hasattr(size, "__index__"):
            raise TypeError(
                "The 'max_size' parameter of SearchSpace must be an int in the range "
                f"[1, inf). Got {size!r} instead."
            )
        if size < 1:
            raise ValueError(
                "The 'max_size' parameter of SearchSpace must be an int in the range "
                f"[1, inf). Got {size!r} instead."
            )

    @staticmethod
    def _checked_names(parameter, names, known):
        if names is None and parameter == "include":
            return None
        try:
            is_list = not isinstance(names, str) and all(
                isinstance(name, str) for name in names
            )
        except TypeError:
            is_list = False
        if not is_list:
            raise TypeError(
                f"The {parameter!r} parameter of SearchSpace must be a list of names "
                f"of operators. Got {names!r} instead."
            )
        for name in names:
            if name not in known and not _is_not_installed(name, parameter):
                raise ValueError(
                    f"The {parameter!r} parameter of SearchSpace names an unknown "
                    f"operator {name!r}.{suggestion(name, sorted(known))} The built-in "
                    f"operators are: {', '.join(sorted(known))}."
                )
        return frozenset(names)

    def _checked_operators(self):
        operators = self.operators
        if isinstance(operators, Operator) or not all(
            isinstance(operator, Operator) for operator in operators
        ):
            raise TypeError(
                "The 'operators' parameter of SearchSpace must be a list of Operator. "
                f"Got {operators!r} instead."
            )
        for operator in operators:
            name = operator.name
            if not name.isidentifier() or keyword.iskeyword(name) or name in RESERVED:
                raise ValueError(
                    "The name of an operator must be an identifier other than "
                    f"{', '.join(sorted(RESERVED))}. Got {name!r} in the 'operators' "
                    "parameter of SearchSpace."
                )
        return operators


def _is_not_installed(name, parameter):
    """Whether an operator is missing here only; it can be excluded, not included."""
    # Late, as in `SearchSpace.catalog`.
    from sklearn_meta.pipelines.catalog._default import missing_packages

    missing = missing_packages(name)
    if missing and parameter == "include":
        raise ImportError(
            f"The operator {name!r} in the 'include' parameter of SearchSpace needs "
            f"{' and '.join(missing)}. Install it with `pip install "
            f"{' '.join(missing)}`, or leave {name!r} out."
        )
    return bool(missing)
