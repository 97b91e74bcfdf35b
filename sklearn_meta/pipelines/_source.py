"""Python source of a pipeline, which runs without this package."""

from __future__ import annotations

from dataclasses import dataclass

from sklearn_meta.pipelines._compile import compile_spec
from sklearn_meta.pipelines._spec import locate, paths, render

# Conventional names of modules.
ALIASES = {"numpy": "np", "pandas": "pd"}


def to_source(
    tree,
    schema,
    *,
    catalog,
    n_classes,
    random_state,
    iterations=None,
    encoder=None,
    n_outputs=1,
    target_scaler=None,
    least=None,
) -> str:
    """Write the Python module that makes the pipeline of a tree.

    Parameters
    ----------
    tree : Node
        Pipeline to write.
    schema : Schema
        Of the encoded table that the pipeline is fitted on.
    catalog : Catalog
        Operators of the tree; it decides the task.
    n_classes : int
        One for regression; two for several labels, each of which is there or not.
    random_state : int
        Seed of every operator that is random.
    iterations : int, default=None
        Boosting rounds of a LightGBM learner at the root; those of the tree if None.
    encoder : Spec, default=None
        First step, which encodes the raw table. None where the encoded table is passed.
    n_outputs : int, default=1
        Number of columns of the target: several numbers, or several labels.
    target_scaler : Spec, default=None
        Transformer of the target before regressors are fitted to it; see
        `compile_pipeline`.
    least : float, tuple of float or None, default=None
        Smallest prediction of a regressor, see `compile_pipeline`.

    Returns
    -------
    source : str
        Imports and ``pipeline = Pipeline(...)``. It needs scikit-learn, and LightGBM,
        numpy, pandas, or this package for a ``bagged_mlp`` or ``maml`` step, where the
        pipeline uses them. Executing it gives a pipeline equal to the one of
        `compile_pipeline`.

    Raises
    ------
    InvalidPipelineError
        If the tree breaks the grammar or the catalog lacks one of its operators.

    Examples
    --------
    >>> from sklearn_meta.pipelines import Schema, default_catalog, parse, to_source
    >>> catalog = default_catalog("regression")
    >>> tree = parse("ridge(X, alpha=3)", catalog=catalog)
    >>> schema = Schema(n_features=2)
    >>> print(to_source(tree, schema, catalog=catalog, n_classes=1, random_state=0))
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import Pipeline
    <BLANKLINE>
    pipeline = Pipeline([("ridge", Ridge(alpha=3.0, random_state=0))])
    <BLANKLINE>
    """
    spec = compile_spec(
        tree, schema, catalog=catalog, n_classes=n_classes,
        random_state=random_state, iterations=iterations, encoder=encoder,
        n_outputs=n_outputs, target_scaler=target_scaler, least=least,
    )  # fmt: skip
    return spec_source(spec, "pipeline")


def spec_source(spec, variable) -> str:
    """Write the Python module that makes the object of a `Spec`.

    Parameters
    ----------
    spec : Spec
    variable : str
        Name of the object in the module.

    Returns
    -------
    source : str
    """
    return module_source(spec, variable)


def module_source(spec, variable, definitions=(), docstring="") -> str:
    """Write a Python module that makes an object, with definitions of its own.

    Parameters
    ----------
    spec : Spec
        Its paths without a dot are names of the definitions or of built-in objects.
    variable : str
        Name of the object in the module.
    definitions : sequence of Definition, default=()
        Functions and classes of the module, in their order.
    docstring : str, default=""
        Text of the docstring of the module; empty for none.

    Returns
    -------
    source : str
    """
    defined = [d.name for d in definitions]
    # First: the definitions name what they use without its module.
    needed = dict.fromkeys(path for d in definitions for path in sorted(d.needs))
    used = [*needed, *sorted(set(paths(spec)) - needed.keys() - set(defined))]
    imports, names = _imports(used, (variable, *defined))
    names |= {name: name for name in defined}
    expression = render(spec, names.__getitem__, used=len(variable) + 3)
    opening = f'"""{docstring}"""\n\n' if docstring else ""
    texts = "".join(f"\n\n{d.text}" for d in definitions) + "\n" * bool(definitions)
    return f"{opening}{imports}{texts}\n{variable} = {expression}\n"


@dataclass(frozen=True)
class Definition:
    """A function or class that a module defines.

    Parameters
    ----------
    name : str
    text : str
        Lines of code, ending in a line break.
    needs : frozenset of str
        Import paths of what the code uses; it names them without their modules.
    """

    name: str
    text: str
    needs: frozenset[str]


def _imports(used, taken):
    """Write the imports of some paths; return them and the name of each path."""
    plain, members, names = set(), {}, {}
    owner = dict.fromkeys(taken)
    for path in used:
        module, attributes = locate(path)
        first, _, rest = attributes.partition(".")
        if module == "builtins":
            names[path] = attributes
        elif module in ALIASES:
            plain.add(f"import {module} as {ALIASES[module]}")
            names[path] = f"{ALIASES[module]}.{attributes}"
        elif owner.setdefault(first, module) != module:
            # Another module has an object of this name.
            plain.add(f"import {module}")
            names[path] = path
        else:
            members.setdefault(module, set()).add(first)
            names[path] = f"{first}.{rest}" if rest else first
    lines = sorted(plain)
    for module in sorted(members):
        line = f"from {module} import {', '.join(sorted(members[module]))}"
        if len(line) > 88:
            inside = "".join(f"    {name},\n" for name in sorted(members[module]))
            line = f"from {module} import (\n{inside})"
        lines.append(line)
    return "".join(f"{line}\n" for line in lines), names
