"""Python source of the final model, which runs without this package.

An average is a voting estimator of scikit-learn. For what scikit-learn has no class,
the module that is written defines a few lines of its own, see `_source_definitions`.
"""

from __future__ import annotations

import numpy as np

from sklearn_meta.ensemble import _source_definitions as definitions
from sklearn_meta.ensemble._combination import AVERAGE, SINGLE, STACK
from sklearn_meta.exceptions import NoCandidateError
from sklearn_meta.pipelines._compile import (
    _weight_argument,
    accepts_sample_weight,
    compile_spec,
)
from sklearn_meta.pipelines._source import module_source, to_source
from sklearn_meta.pipelines._spec import Spec, instantiate

PIPELINE = "sklearn.pipeline.Pipeline"

# Names of parameters, which no member may have.
RESERVED = {"estimators", "weights", "voting", "n_jobs", "verbose", "intercept"}
RESERVED |= {"limits", "least", "offsets", "thresholds", "flatten_transform"}


def source_of(model, catalog_of, *, ensemble) -> str:
    """Write the Python module of a fitted estimator.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor
        Fitted.
    catalog_of : callable
        ``catalog_of(task, loss) -> Catalog``.
    ensemble : bool
        Whether to write the final model; else the best single pipeline.

    Returns
    -------
    source : str

    Raises
    ------
    NoCandidateError
        If the model predicts a constant.
    """
    if model._source is None:
        raise NoCandidateError(
            "to_source() writes a pipeline that fit found, but no candidate was "
            "finished within the time budget and the model predicts a constant. Raise "
            "time_budget and fit again."
        )
    arguments = dict(model._source)
    members, weighted = arguments.pop("members"), arguments.pop("weighted")
    versions = arguments.pop("versions")
    catalog = catalog_of(arguments.pop("task"), arguments.pop("loss"))
    if not ensemble:
        return to_source(catalog=catalog, **arguments)
    shared = {k: v for k, v in arguments.items() if k not in MEMBER_ARGUMENTS}
    encoder = shared.pop("encoder")
    fitted = model.ensemble_
    source = _ModelSource(fitted, catalog, shared, members, weighted)
    spec = source.spec(encoder)
    header = [*_header(model, fitted.combination, versions), *source.notes(spec)]
    return module_source(spec, "pipeline", source.definitions, "\n".join(header) + "\n")


# Arguments of `to_source` in which members differ.
MEMBER_ARGUMENTS = ("tree", "random_state", "iterations")


def _header(model, combination, versions):
    """Return the first lines of the docstring."""
    n = len(combination.members)
    what = {
        SINGLE: "Pipeline",
        AVERAGE: f"Weighted average of {n} pipelines",
        STACK: f"Stack of {n} pipeline{'s' * (n > 1)}",
    }[combination.kind]
    if combination.kind == STACK and n == 1 and hasattr(model, "predict_proba"):
        what = "Calibrated pipeline"
    lines = [f"{what} found by {type(model).__name__} (sklearn-meta).", ""]
    if np.isfinite(model.best_score_):
        by = f" by {model.scoring}" if isinstance(model.scoring, str) else ""
        lines.append(
            f"Score of the best single pipeline in cross-validation{by}: "
            f"{model.best_score_:.6g}."
        )
    made_with = ", ".join(f"{k} {v}" for k, v in sorted(versions.items()))
    return [*lines, f"Made with {made_with}."]


class _ModelSource:
    """The parts of the source of one final model."""

    def __init__(self, fitted, catalog, shared, members, weighted):
        self.fitted = fitted
        self.catalog = catalog
        self.shared = shared
        self.members = members
        self.weighted = weighted
        self.definitions = []

    @property
    def is_classifier(self):
        return self.catalog.is_classifier

    def spec(self, encoder):
        """Return the spec of the whole model, of which it collects the definitions."""
        combination = self.fitted.combination
        used = np.flatnonzero(combination.weights)
        if len(used) == 1 and combination.kind == SINGLE and not self._decides:
            return self._member(used[0], encoder=encoder)
        last = self._ensemble(
            [self._pipeline(i) for i in used], combination.weights[used].tolist()
        )
        steps = [] if encoder is None else [("encode", encoder)]
        return Spec(PIPELINE, (("steps", [*steps, last]),))

    def notes(self, spec):
        """Return the lines of the docstring that say what to know of fitting it."""
        lines = []
        if any(isinstance(m, list | tuple) for m in self.fitted.members):
            lines += [
                "Here all pipelines are fitted on all rows; of the model, there was",
                "time only for fits on the folds of some of them.",
            ]
        if self.weighted and (argument := self._weights_argument(spec)):
            fit = f"pipeline.fit(X, y, {argument}=w / w.mean())"
            lines += ["With weights w of the rows:", fit]
        return ["", *lines] if lines else []

    @property
    def _decides(self):
        """Whether the decision between the classes is not that of the learners."""
        return getattr(self.fitted, "decision_threshold", None) is not None

    def _weights_argument(self, spec):
        """Return the argument of ``fit`` that takes weights; None if there is none."""
        if len(self.members) > 1 or self._decides:
            return "ensemble__sample_weight"
        weighs = accepts_sample_weight(
            self.members[0][0], catalog=self.catalog,
            n_outputs=self.shared["n_outputs"], schema=self.shared["schema"],
        )  # fmt: skip
        return _weight_argument(instantiate(spec)) if weighs else None

    def _member(self, i, encoder=None):
        """Return the spec of the pipeline of a member."""
        given = dict(zip(MEMBER_ARGUMENTS, self.members[i], strict=True))
        return compile_spec(
            catalog=self.catalog, encoder=encoder, **given, **self.shared
        )

    def _pipeline(self, i):
        """Return the spec of a member, which takes weights if the model was weighted.

        Its name is that of the last step.
        """
        spec, tree = self._member(i), self.members[i][0]
        if not self.weighted:
            return spec
        weighs = accepts_sample_weight(
            tree, catalog=self.catalog, n_outputs=self.shared["n_outputs"],
            schema=self.shared["schema"],
        )  # fmt: skip
        if not weighs:
            return self._defined(definitions.UNWEIGHTED, spec)
        if _weight_argument(instantiate(spec)) is None:
            return self._defined(definitions.ROUTED, spec)
        self._defined(definitions.WEIGHT_ARGUMENT, spec)
        return self._defined(definitions.WEIGHTED, spec)

    def _defined(self, definition, spec):
        """Return a call of something that the module defines, with the arguments."""
        if definition not in self.definitions:
            self.definitions.append(definition)
        return Spec(definition.name, spec.params)

    def _ensemble(self, pipelines, weights):
        """Return the last step: its name and the spec."""
        named = _named(pipelines)
        if not self.is_classifier:
            return "ensemble", self._regressor(named, weights)
        if self.shared["n_outputs"] > 1:
            return "ensemble", self._labels(named, weights)
        return "ensemble", self._classifier(named, weights)

    def _classifier(self, named, weights):
        combination, decision = self.fitted.combination, self.fitted.decision_threshold
        is_stack = combination.kind == STACK
        # scikit-learn's threshold passes on no weights of rows.
        is_threshold = np.ndim(decision) == 0 and not self.weighted
        if not is_stack and (decision is None or is_threshold):
            vote = _vote(named, weights)
            return vote if decision is None else _with_threshold(vote, decision)
        params = {"estimators": named, "weights": weights}
        if is_stack:
            params["intercept"] = _values(combination.intercept)
        if decision is not None:
            params["offsets"] = _offsets(decision)
        definition = definitions.classifier(is_stack, decision is not None)
        return self._defined(definition, Spec("", tuple(params.items())))

    def _labels(self, named, weights):
        combination, decision = self.fitted.combination, self.fitted.decision_threshold
        params = {"estimators": named, "weights": weights}
        is_stack = combination.kind == STACK
        if is_stack:
            params["intercept"] = _values(combination.intercept)
        n_labels = self.shared["n_outputs"]
        params["thresholds"] = (
            [0.5] * n_labels if decision is None else _values(decision)
        )
        self._defined(definitions.LABEL_PROBABILITIES, Spec(""))
        definition = definitions.labels(is_stack, self.weighted)
        return self._defined(definition, Spec("", tuple(params.items())))

    def _regressor(self, named, weights):
        fitted, combination = self.fitted, self.fitted.combination
        several = self.shared["n_outputs"] > 1
        limits = tuple(_values(limit) for limit in fitted.limits)
        if combination.kind != STACK and not several:
            self.definitions.append(definitions.limited(*limits))
            limited = [
                (name, Spec(definitions.LIMITED, (("member", member),)))
                for name, member in named
            ]
            params = (("estimators", limited), ("weights", weights))
            return Spec("sklearn.ensemble.VotingRegressor", params)
        params = {"estimators": named, "weights": weights}
        if combination.kind == STACK:
            params["intercept"] = _values(combination.intercept)
        params["limits"] = limits
        if fitted.least is not None:
            params["least"] = _values(fitted.least)
        definition = definitions.regressor(
            combination.kind == STACK, fitted.least is not None, several, self.weighted
        )
        return self._defined(definition, Spec("", tuple(params.items())))


def _vote(named, weights):
    """Return the weighted average of probabilities; the only member itself."""
    if len(named) == 1:
        return named[0][1]
    params = (("estimators", named), ("voting", "soft"), ("weights", weights))
    return Spec("sklearn.ensemble.VotingClassifier", params)


def _with_threshold(classifier, threshold):
    """Decide between two classes by a threshold, which counts as the first class."""
    # scikit-learn's threshold counts as the second class.
    params = (
        ("estimator", classifier),
        ("threshold", float(np.nextafter(threshold, 1.0))),
        ("response_method", "predict_proba"),
    )
    return Spec("sklearn.model_selection.FixedThresholdClassifier", params)


def _offsets(decision):
    """Return offsets of the logarithms of probabilities that decide alike."""
    if np.ndim(decision):
        return _values(decision)
    return [0.0, float(np.log1p(-decision) - np.log(decision))]


def _named(pipelines):
    """Name members by their last steps, with numbers where names repeat."""
    taken, named = set(RESERVED), []
    for pipeline in pipelines:
        name = pipeline.param("steps")[-1][0]
        unique, n = name, 1
        while unique in taken:
            n += 1
            unique = f"{name}_{n}"
        taken.add(unique)
        named.append((unique, pipeline))
    return named


def _values(numbers):
    """Return numbers as constants of Python."""
    return np.asarray(numbers, dtype=np.float64).tolist()
