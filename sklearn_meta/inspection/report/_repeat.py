"""Section "Repeat it": versions, parameters and seed."""

from __future__ import annotations

import inspect
import platform
import time
from importlib.metadata import PackageNotFoundError, version

from sklearn_meta import __version__
from sklearn_meta.inspection.report._facts import Repeat
from sklearn_meta.inspection.report._html import paragraph, section, table, tag
from sklearn_meta.inspection.report._metric import short

# Packages that predictions may depend on, by the name of their distribution.
PACKAGES = ("scikit-learn", "numpy", "scipy", "lightgbm", "pandas", "polars", "torch")

# Longest text of a parameter.
MAX_WIDTH = 160


def describe(model, pipelines) -> Repeat:
    """Describe how a model can be fitted again.

    Parameters
    ----------
    model : fitted estimator
    pipelines : sequence of str
        Texts of its members.

    Returns
    -------
    repeat : Repeat
    """
    used = {"scikit-learn", "numpy", "scipy", model._row_encoder.library}
    text = " ".join(pipelines)
    used |= {"lightgbm"} if "lightgbm" in text else set()
    used |= {"torch"} if "maml" in text else set()
    versions = [("Python", platform.python_version()), ("sklearn_meta", __version__)]
    of_fit = (model._source or {}).get("versions", {})
    for package in PACKAGES:
        if package in used:
            versions.append((package, of_fit.get(package) or _installed(package)))
    seed = model.random_state
    return Repeat(
        tuple(versions),
        tuple(_changed(model)),
        "" if seed is None else short(repr(seed), MAX_WIDTH),
        model.max_evaluations is not None,
        time.strftime("%Y-%m-%d %H:%M %z"),
    )


def render(facts):
    """Return the section as HTML."""
    repeat = facts.repeat
    if repeat.parameters:
        code = ", ".join(f"{name}={value}" for name, value in repeat.parameters)
        call = paragraph(tag("code", f"{facts.name}({code})"))
    else:
        call = paragraph("All parameters were at their defaults: ",
                         tag("code", f"{facts.name}()"), ".")  # fmt: skip
    if not repeat.seed:
        same = "random_state is None, so that another fit will find another model."
    elif repeat.is_counted:
        same = (
            "With this seed, max_evaluations and versions, and enough time for all "
            "evaluations, fit finds the same model again, for any n_jobs."
        )
    else:
        same = (
            "The seed is fixed, but the time budget decides how far the search gets: "
            "for the same model on every machine, pass max_evaluations as well."
        )
    return section(
        "repeat-it",
        "Repeat it",
        call,
        paragraph(same),
        table(("package", "version"), repeat.versions),
        paragraph(f"Report of {repeat.when}."),
    )


def _installed(package):
    """Return the version of a package that is installed now."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _changed(model):
    """Yield the parameters that are not at their defaults, with their texts."""
    parameters = inspect.signature(type(model).__init__).parameters
    for name, value in model.get_params(deep=False).items():
        text = repr(value)
        if name in parameters and text != repr(parameters[name].default):
            yield name, short(text, MAX_WIDTH)
