"""Typing rules of pipeline trees, shared by the parser and the check of trees.

Every node has one of four *sorts* of output, and every kind of operator takes some of
them as input: the grammar of `_tree` as two tables, so that a rule can be checked
between a node and each of its inputs without context.
"""

from __future__ import annotations

from difflib import get_close_matches

from sklearn_meta.exceptions import InvalidHyperparameterError, InvalidPipelineError
from sklearn_meta.pipelines._hyperparameters import Float
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node

RESERVED = frozenset({INPUT, UNION, STACK})

# Sort of the output of each kind. `X`, `union` and `stack` are kinds of their own.
SORT_OF_KIND = {
    INPUT: "table",
    "preparation": "table",
    "transformer": "features",
    UNION: "features",
    STACK: "stack",
    "learner": "estimator",
    "wrapper": "estimator",
}

# Sorts of the inputs of each kind.
SORTS_TAKEN = {
    INPUT: (),
    "preparation": ("table",),
    "transformer": ("table", "features"),
    UNION: ("table", "features"),
    STACK: ("estimator",),
    "learner": ("table", "features", "stack"),
    "wrapper": ("estimator",),
}

_EXPECTED = {
    "preparation": "X or another preparation of it",
    "transformer": "X or features made from it",
    UNION: "X or features made from it",
    STACK: "estimators, such as learners applied to X",
    "learner": "X, features made from it, or stack(...)",
    "wrapper": "an estimator, such as a learner applied to X",
}


def kind_of(name, *, catalog):
    """Kind of the operator called `name`; `None` if there is no such operator.

    Parameters
    ----------
    name : str
    catalog : Catalog

    Returns
    -------
    kind : str or None
        The operator's kind; ``"X"``, ``"union"`` and ``"stack"`` stand for themselves.
    """
    if name in RESERVED:
        return name
    operator = catalog.find(name)
    return None if operator is None else operator.kind


def unknown_operator(name, *, catalog):
    """Message for a name that the catalog does not have."""
    tasks = " and ".join(catalog.tasks_elsewhere.get(name, ()))
    if tasks:
        return f"Operator {name!r} exists for {tasks} only, not for {catalog.task}."
    # Imported late: the catalog need not be the built-in one.
    from sklearn_meta.pipelines.catalog._default import missing_packages

    missing = missing_packages(name)
    if missing:
        return (
            f"Operator {name!r} needs {' and '.join(missing)}. Install it with "
            f"`pip install {' '.join(missing)}`."
        )
    known = sorted({o.name for o in catalog} | RESERVED)
    return f"Unknown operator {name!r}.{suggestion(name, known)}"


def unknown_hyperparameter(operator, name):
    """Message for a hyperparameter that `operator` does not have."""
    known = [h.name for h in operator.hyperparameters]
    if not known:
        return f"{operator.name} has no hyperparameters. Got {name!r}."
    return (
        f"{operator.name} has no hyperparameter {name!r}."
        f"{suggestion(name, known)} It has: {', '.join(sorted(known))}."
    )


def suggestion(name, known):
    """Text " Did you mean ...?" if one of `known` is close to `name`, else empty."""
    close = get_close_matches(name, known, n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def arity_error(name, kind, n_inputs):
    """Message if a node of this kind cannot have `n_inputs` inputs, else `None`."""
    if kind in (UNION, STACK):
        if n_inputs < 2:
            return f"{name} needs at least two inputs. Got {n_inputs}."
    elif kind == INPUT:
        if n_inputs:
            return f"{INPUT} is the input table and takes no inputs."
    elif n_inputs != 1:
        return f"{name} takes one input, {_EXPECTED[kind]}. Got {n_inputs}."
    return None


def input_error(name, kind, input_name, input_kind):
    """Message if a node of this kind cannot take that input, else `None`."""
    sort = SORT_OF_KIND[input_kind]
    if sort in SORTS_TAKEN[kind]:
        return None
    if sort == "stack":
        return f"{STACK} must be the direct input of a learner, not of {name}."
    what = input_name if input_kind in RESERVED else f"{input_name} ({input_kind})"
    kind_name = "" if kind in RESERVED else f" ({kind})"
    return f"{name}{kind_name} takes {_EXPECTED[kind]}. Got {what} instead."


def root_error(name, kind):
    """Message if a node of this kind cannot be a whole pipeline, else `None`."""
    if SORT_OF_KIND[kind] == "estimator":
        return None
    return (
        f"A pipeline must end in a learner or in a wrapper of one. Got {name} instead."
    )


def check_value(operator, name, value):
    """Check one hyperparameter and return its value in canonical form.

    Raises
    ------
    InvalidHyperparameterError
        If the operator has no such hyperparameter, or the value is not legal.
    """
    hyperparameter = operator.hyperparameter(name)
    if hyperparameter is None:
        raise InvalidHyperparameterError(unknown_hyperparameter(operator, name))
    try:
        value = hyperparameter.check(value)
    except InvalidHyperparameterError as error:
        raise InvalidHyperparameterError(f"{operator.name}: {error}") from None
    # Minus zero equals zero, and would have a text of its own.
    return value + 0.0 if isinstance(value, float) else value


def is_default(hyperparameter, value):
    """Whether a checked value is the default, with types told apart (1 is not True)."""
    default = hyperparameter.default
    if isinstance(hyperparameter, Float) and default is not None:
        default = float(default)
    return type(value) is type(default) and value == default


def check_tree(tree, *, catalog):
    """Check that a tree is legal: known operators, values in range, inputs that fit.

    Parameters
    ----------
    tree : Node
    catalog : Catalog

    Raises
    ------
    InvalidPipelineError
        If the tree breaks a rule of the grammar. `InvalidHyperparameterError`, which
        derives from it, if a hyperparameter is unknown or out of its range.
    """
    for _, node in tree.walk():
        _check_node(node, catalog=catalog)
    kind = kind_of(tree.operator, catalog=catalog)
    _raise_if(root_error(tree.operator, kind))


def _check_node(node: Node, *, catalog):
    name = node.operator
    kind = kind_of(name, catalog=catalog)
    if kind is None:
        raise InvalidPipelineError(unknown_operator(name, catalog=catalog))
    _raise_if(arity_error(name, kind, len(node.inputs)))
    for child in node.inputs:
        child_kind = kind_of(child.operator, catalog=catalog)
        if child_kind is not None:  # unknown ones are reported by their own check
            _raise_if(input_error(name, kind, child.operator, child_kind))

    names = [param for param, _ in node.params]
    if len(set(names)) < len(names):
        raise InvalidPipelineError(f"{name} is given a hyperparameter twice: {names}.")
    if kind in RESERVED:
        if names:
            raise InvalidPipelineError(f"{name} has no hyperparameters. Got {names}.")
        return
    operator = catalog.find(name)
    for param, value in node.params:
        check_value(operator, param, value)


def _raise_if(message):
    if message is not None:
        raise InvalidPipelineError(message)
