"""Functions and classes that the source of a final model defines, as text.

Each is written only where it is needed, and with what is needed of it. They do what
`Combination` and the weighted ensembles do, as scikit-learn estimators that depend on
scikit-learn alone.
"""

from __future__ import annotations

from sklearn_meta.data._task import SMALLEST_PROBABILITY
from sklearn_meta.ensemble._combination import PROBABILITY_FLOOR
from sklearn_meta.pipelines._source import Definition

PIPELINE = "sklearn.pipeline.Pipeline"
CHECK_FITTED = "sklearn.utils.validation.check_is_fitted"

WEIGHT_ARGUMENT = Definition(
    "weight_argument",
    '''\
def weight_argument(model):
    """Return the argument of ``fit`` that takes the weights of the rows."""
    if isinstance(model, Pipeline):
        return f"{model.steps[-1][0]}__{weight_argument(model.steps[-1][1])}"
    if isinstance(model, TransformedTargetRegressor):
        return weight_argument(model.regressor)
    return "sample_weight"
''',
    frozenset({PIPELINE, "sklearn.compose.TransformedTargetRegressor"}),
)

WEIGHTED = Definition(
    "WeightedPipeline",
    '''\
class WeightedPipeline(Pipeline):
    """Pipeline whose learner gets the weights of the rows."""

    def fit(self, X, y=None, sample_weight=None, **params):
        if sample_weight is not None:
            weight = np.asarray(sample_weight) / np.mean(sample_weight)
            params[weight_argument(self)] = weight
        return super().fit(X, y, **params)
''',
    frozenset({PIPELINE, "numpy.mean"}),
)

UNWEIGHTED = Definition(
    "UnweightedPipeline",
    '''\
class UnweightedPipeline(Pipeline):
    """Pipeline whose learner takes no weights of the rows: they are left out."""

    def fit(self, X, y=None, sample_weight=None, **params):
        return super().fit(X, y, **params)
''',
    frozenset({PIPELINE}),
)

ROUTED = Definition(
    "RoutedPipeline",
    '''\
class RoutedPipeline(Pipeline):
    """Pipeline whose learners get the weights of the rows by metadata routing."""

    def fit(self, X, y=None, sample_weight=None, **params):
        if sample_weight is None:
            return super().fit(X, y, **params)
        weight = np.asarray(sample_weight) / np.mean(sample_weight)
        with config_context(enable_metadata_routing=True):
            for part in self.get_params().values():
                if isinstance(part, type) or not hasattr(part, "set_fit_request"):
                    continue
                if "sample_weight" in signature(part.fit).parameters:
                    is_learner = is_classifier(part) or is_regressor(part)
                    part.set_fit_request(sample_weight=is_learner)
            return super().fit(X, y, sample_weight=weight, **params)
''',
    frozenset(
        {
            PIPELINE,
            "inspect.signature",
            "numpy.mean",
            "sklearn.base.is_classifier",
            "sklearn.base.is_regressor",
            "sklearn.config_context",
        }
    ),
)

LABEL_PROBABILITIES = Definition(
    "label_probabilities",
    f'''\
def label_probabilities(classifier, X):
    """Return the probability of each label, of shape (n_samples, n_labels)."""
    given = classifier.predict_proba(X)
    if isinstance(given, list):
        # One array for each label, with a column for each of its classes.
        columns = zip(given, classifier.classes_)
        given = [p[:, np.asarray(c).astype(bool)].sum(axis=1) for p, c in columns]
        given = np.column_stack(given)
    return np.clip(given, {SMALLEST_PROBABILITY!r}, 1 - {SMALLEST_PROBABILITY!r})
''',
    frozenset({"numpy.clip"}),
)

LIMITED = "limited"


def limited(lowest, greatest) -> Definition:
    """Return a function that limits the predictions of a regressor.

    Parameters
    ----------
    lowest, greatest : float

    Returns
    -------
    definition : Definition
    """
    text = f'''\
def limited(member):
    """Clip predictions far beyond the known targets, of which no model knows."""
    limits = {{"a_min": {lowest!r}, "a_max": {greatest!r}}}
    clip = FunctionTransformer(inverse_func=np.clip, inv_kw_args=limits)
    return TransformedTargetRegressor(member, transformer=clip, check_inverse=False)
'''
    needs = {
        "numpy.clip",
        "sklearn.compose.TransformedTargetRegressor",
        "sklearn.preprocessing.FunctionTransformer",
    }
    return Definition(LIMITED, text, frozenset(needs))


def classifier(is_stack, decides) -> Definition:
    """Return the class of a stack of classifiers, or of a vote with another decision.

    Parameters
    ----------
    is_stack : bool
        Whether it is a log-linear pool.
    decides : bool
        Whether offsets of the classes decide.

    Returns
    -------
    definition : Definition
    """
    name = "LogLinearPool" if is_stack else "OffsetVote"
    says = (
        "Weighted sum of the logarithms of probabilities, with an intercept."
        if is_stack
        else "Soft vote that decides by offsets of the classes."
    )
    extra = ["intercept"] * is_stack + ["offsets"] * decides
    text = _head(name, "VotingClassifier", says, extra, ', voting="soft"')
    needs = {"sklearn.ensemble.VotingClassifier", "numpy.log", CHECK_FITTED}
    if is_stack:
        needs |= {"scipy.special.softmax"}
        text += f"""
    def predict_proba(self, X):
        check_is_fitted(self)
        logits = self.intercept + sum(
            weight * np.log(np.maximum(model.predict_proba(X), {PROBABILITY_FLOOR!r}))
            for weight, model in zip(self.weights, self.estimators_)
        )
        return softmax(logits, axis=1)
"""
    if decides:
        text += """
    def predict(self, X):
        check_is_fitted(self)
        probabilities = np.maximum(self.predict_proba(X), np.finfo(float).tiny)
        decided = np.argmax(np.log(probabilities) + self.offsets, axis=1)
        return self.classes_[decided]
"""
    return Definition(name, text, frozenset(needs))


def labels(is_stack, weighted) -> Definition:
    """Return the class of an average or a stack for several labels.

    Parameters
    ----------
    is_stack : bool
        Whether it is a log-linear pool.
    weighted : bool
        Whether ``fit`` takes weights of the rows.

    Returns
    -------
    definition : Definition
    """
    name = "LabelPool" if is_stack else "LabelVote"
    says = (
        "Weighted sum of the log-odds of each label, with an intercept."
        if is_stack
        else "Weighted average of the probabilities of each label."
    )
    extra = ["intercept"] * is_stack + ["thresholds"]
    text = _head(name, "VotingClassifier", says, extra, ', voting="soft"')
    text += _fit(
        weighted,
        "self.classes_ = [np.array([0, 1])] * len(self.thresholds)",
        "self.dtype_ = np.asarray(y).dtype",
    )
    text += '''
    def predict_proba(self, X):
        """Return the probability of each label, of shape (n_samples, n_labels)."""
        check_is_fitted(self)
'''
    needs = {
        "numpy.array",
        "sklearn.base.clone",
        "sklearn.ensemble.VotingClassifier",
        CHECK_FITTED,
    }
    if is_stack:
        needs |= {"scipy.special.expit"}
        text += f"""\
        log_odds = self.intercept[1] - self.intercept[0]
        for weight, model in zip(self.weights, self.estimators_):
            present = label_probabilities(model, X)
            absent = np.maximum(1 - present, {PROBABILITY_FLOOR!r})
            present = np.maximum(present, {PROBABILITY_FLOOR!r})
            log_odds = log_odds + weight * (np.log(present) - np.log(absent))
        return expit(log_odds)
"""
    else:
        text += """\
        given = [label_probabilities(model, X) for model in self.estimators_]
        return np.average(given, axis=0, weights=self.weights)
"""
    text += """
    def predict(self, X):
        return (self.predict_proba(X) > self.thresholds).astype(self.dtype_)
"""
    return Definition(name, text, frozenset(needs))


def regressor(is_stack, has_least, several, weighted) -> Definition:
    """Return the class of a stack of regressors, or of an average of several targets.

    Parameters
    ----------
    is_stack : bool
        Whether there is an intercept, and weights need not sum to one.
    has_least : bool
        Whether there is a smallest prediction.
    several : bool
        Whether there are several targets.
    weighted : bool
        Whether ``fit`` takes weights of the rows.

    Returns
    -------
    definition : Definition
    """
    name = "LinearPool" if is_stack else "Average"
    says = (
        "Weighted sum of clipped predictions, with an intercept."
        if is_stack
        else "Weighted average of clipped predictions."
    )
    extra = ["intercept"] * is_stack + ["limits"] + ["least"] * has_least
    bases = "MultiOutputMixin, VotingRegressor" if several else "VotingRegressor"
    text = _head(name, bases, says, extra, "")
    needs = {"sklearn.ensemble.VotingRegressor", "numpy.clip", CHECK_FITTED}
    if several:
        needs |= {"sklearn.base.MultiOutputMixin", "sklearn.base.clone"}
        text += _fit(weighted)
    combined = (
        "self.intercept + np.tensordot(self.weights, given, axes=1)"
        if is_stack
        else "np.average(given, axis=0, weights=self.weights)"
    )
    if has_least:
        combined = f"np.maximum({combined}, self.least)"
    text += f"""
    def predict(self, X):
        check_is_fitted(self)
        given = [np.clip(model.predict(X), *self.limits) for model in self.estimators_]
        return {combined}
"""
    return Definition(name, text, frozenset(needs))


def _head(name, bases, says, extra, to_super):
    """Write the first lines of a class, with its constructor."""
    stored = "".join(f"        self.{argument} = {argument}\n" for argument in extra)
    return f'''\
class {name}({bases}):
    """{says}"""

    def __init__(self, {", ".join(["estimators", "weights", *extra])}):
        super().__init__(estimators{to_super}, weights=weights)
{stored}'''


def _fit(weighted, *more):
    """Write ``fit`` of a class for targets that a vote of scikit-learn refuses."""
    argument, fits = "", "clone(model).fit(X, y) "
    if weighted:
        argument = ", sample_weight=None"
        fits = "clone(model).fit(X, y, sample_weight=sample_weight)\n            "
    lines = "".join(f"        {line}\n" for line in more)
    return f"""
    def fit(self, X, y{argument}):
        self.estimators_ = [
            {fits}for _, model in self.estimators
        ]
{lines}        return self
"""
