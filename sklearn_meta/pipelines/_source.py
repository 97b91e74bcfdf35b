"""Python source of a pipeline, to read, to keep, and to run without this package."""

from __future__ import annotations

from sklearn_meta.pipelines._compile import compile_spec
from sklearn_meta.pipelines._spec import locate, paths, render

# Everybody knows these modules under these names.
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
) -> str:
    """Write the Python module that makes the pipeline of a tree.

    Parameters are those of `compile_pipeline`.

    Returns
    -------
    source : str
        Imports and ``pipeline = Pipeline(...)``. It needs scikit-learn, and LightGBM,
        numpy, pandas, or this package for a ``bagged_mlp`` or ``maml`` step, where the
        pipeline uses them. Executing it gives a pipeline equal to the one of
        `compile_pipeline`.
    """
    spec = compile_spec(
        tree, schema, catalog=catalog, n_classes=n_classes,
        random_state=random_state, iterations=iterations, encoder=encoder,
        n_outputs=n_outputs,
    )  # fmt: skip
    return spec_source(spec, "pipeline")


def spec_source(spec, variable) -> str:
    """Write the Python module that makes what a `Spec` describes.

    Parameters
    ----------
    spec : Spec
    variable : str
        Name that the object gets in the module.

    Returns
    -------
    source : str
    """
    imports, names = _imports(sorted(set(paths(spec))), variable)
    expression = render(spec, names.__getitem__, used=len(variable) + 3)
    return f"{imports}\n{variable} = {expression}\n"


def _imports(used, variable):
    """Import statements for some paths, and the name of each path behind them."""
    plain, members, names, owner = set(), {}, {}, {variable: None}
    for path in used:
        module, attributes = locate(path)
        first, _, rest = attributes.partition(".")
        if module == "builtins":
            names[path] = attributes
        elif module in ALIASES:
            plain.add(f"import {module} as {ALIASES[module]}")
            names[path] = f"{ALIASES[module]}.{attributes}"
        elif owner.setdefault(first, module) != module:
            # Another module already has something of this name.
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
