"""One module touches scikit-learn's private interface, and stands in for it."""

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.svm import LinearSVC

import sklearn_meta
from sklearn_meta import _sklearn_compat as compat

PACKAGE = Path(sklearn_meta.__file__).parent
EXPERIMENTAL = {"callback", "experimental"}
# Of estimators and scorers: what is inherited, and what is asked for by its name.
PRIVATE_ATTRIBUTES = {
    "_accept_sample_weight",
    "_check_feature_names",
    "_check_n_features",
    "_get_metadata_request",
    "_get_tags",
    "_more_tags",
    "_score_func",
    "_skl_callbacks",
    "_validate_data",
    "_validate_params",
}


def private_names(source):
    """Return what a source imports or uses of scikit-learn that is not public."""
    found, modules = [], {}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                found.append(alias.name)
                # ``import sklearn.tree`` binds ``sklearn``.
                root = alias.name if alias.asname else alias.name.partition(".")[0]
                modules[alias.asname or root] = root
    found = [name for name in found if name.partition(".")[0] == "sklearn"]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            names = ast.unparse(node).split(".")
            if modules.get(names[0], "").partition(".")[0] == "sklearn":
                found.append(".".join([modules[names[0]], *names[1:]]))
            elif node.attr in PRIVATE_ATTRIBUTES:
                found.append(f"sklearn.{node.attr}")
        elif isinstance(node, ast.Constant) and node.value in PRIVATE_ATTRIBUTES:
            found.append(f"sklearn.{node.value}")
    return sorted(
        name
        for name in set(found)
        if any(
            part in EXPERIMENTAL or (part.startswith("_") and not part.endswith("__"))
            for part in name.split(".")[1:]
        )
    )


@pytest.mark.parametrize(
    "source, found",
    [
        ("from sklearn.base import BaseEstimator, __version__", []),
        ("from sklearn.utils.validation import check_array", []),
        ("from sklearn_meta.search._random import _draw", []),
        ("from ._records import Status", []),
        ("import sklearn.tree\nsklearn.tree.DecisionTreeClassifier()", []),
        ("from sklearn.base import _fit_context", ["sklearn.base._fit_context"]),
        (
            "from sklearn.utils._param_validation import Interval",
            ["sklearn.utils._param_validation.Interval"],
        ),
        (
            "def f():\n    from sklearn.callback import ProgressBar",
            ["sklearn.callback.ProgressBar"],
        ),
        ("import sklearn.callback as c", ["sklearn.callback"]),
        (
            "import sklearn.utils as u\nu._safe_indexing",
            ["sklearn.utils._safe_indexing"],
        ),
        ("self._validate_params()", ["sklearn._validate_params"]),
        ("getattr(s, '_accept_sample_weight')", ["sklearn._accept_sample_weight"]),
    ],
)
def test_private_names_are_found(source, found):
    assert private_names(source) == found


def test_no_other_module_uses_what_is_private_or_experimental():
    found = {
        str(path.relative_to(PACKAGE)): private_names(path.read_text(encoding="utf-8"))
        for path in PACKAGE.rglob("*.py")
        if path.name != "_sklearn_compat.py"
    }
    assert len(found) > 50
    assert {path: names for path, names in found.items() if names} == {}


def test_every_name_is_there():
    for name in compat.__all__:
        assert hasattr(compat, name)


# What earlier versions lack

WITHOUT_CALLBACKS = """
import builtins, warnings
import numpy as np
from sklearn.datasets import load_iris

importing = builtins.__import__

def without_callbacks(name, globals=None, *args):
    if name == "sklearn.callback" and "sklearn_meta" in (globals or {})["__name__"]:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return importing(name, globals, *args)

builtins.__import__ = without_callbacks
from sklearn_meta import MetaAutoClassifier, _sklearn_compat
"""


def run_without_callbacks(code):
    out = subprocess.run(
        [sys.executable, "-c", WITHOUT_CALLBACKS + code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
    )
    assert out.returncode == 0, out.stderr


def test_a_search_without_callbacks():
    run_without_callbacks("""
X, y = load_iris(return_X_y=True)
clf = MetaAutoClassifier(max_evaluations=3, random_state=0)
assert not _sklearn_compat.HAS_CALLBACKS
assert not hasattr(clf, "set_callbacks")
assert clf.fit(X, y).n_evaluations_ == 3
assert clf.stop_reason_ != "stopped by a callback"
""")


def test_contexts_without_callbacks_take_all_calls():
    run_without_callbacks("""
class Estimator(_sklearn_compat.CallbackSupportMixin):
    @_sklearn_compat.with_callbacks
    def fit(self, X, y=None, *, sub_estimator=None):
        "Fit."
        context = self._init_callback_context(max_subtasks=None)
        assert context.call_on_fit_task_begin(estimator=self, X=X, y=y) is context
        inner = context.subcontext(task_name="step", max_subtasks=0)
        inner.call_on_fit_task_begin(estimator=self, X=X, metadata={})
        with inner.propagate_callback_context(sub_estimator):
            assert inner.call_on_fit_task_end(estimator=self, X=X) is False
        context.call_on_fit_task_end(estimator=self, reconstruction_attributes={})
        return self

assert Estimator.fit.__name__ == "fit" and Estimator.fit.__doc__ == "Fit."
estimator = Estimator()
assert estimator.fit([[0]], sub_estimator=Estimator()) is estimator
assert vars(estimator) == {}
""")


def test_warnings_name_the_same_line_without_callbacks():
    run_without_callbacks("""
X, y = load_iris(return_X_y=True)
clf = MetaAutoClassifier(max_evaluations=2, scoring=lambda e, X, y: 0.0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    clf.fit(X, y, sample_weight=np.linspace(1, 2, 150))
(warning,) = [w for w in caught if "compared without them" in str(w.message)]
assert warning.filename == "<string>", warning.filename
""")


def test_weights_that_are_all_zero():
    check = compat._check_sample_weight
    np.testing.assert_array_equal(check([0.0, 1.0], [[1], [2]]), [0.0, 1.0])
    with pytest.raises(ValueError, match="at least one non-zero"):
        check(np.zeros(3), np.ones((3, 1)))
    with pytest.raises(ValueError, match="[Nn]egative"):
        check([-1.0, 1.0], [[1], [2]], ensure_non_negative=True)


@pytest.mark.parametrize(
    "name, before", [("isotonic", "isotonic"), ("temperature", "sigmoid")]
)
def test_calibration_by_what_there_is(name, before, monkeypatch):
    from sklearn.calibration import CalibratedClassifierCV

    X, y = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2
    method = compat.calibration_method(name)
    CalibratedClassifierCV(LinearSVC(), method=method, cv=2).fit(X, y)
    methods = compat.StrOptions({"isotonic", "sigmoid"})
    constraints = {**CalibratedClassifierCV._parameter_constraints, "method": [methods]}
    monkeypatch.setattr(CalibratedClassifierCV, "_parameter_constraints", constraints)
    assert compat.calibration_method(name) == before


@pytest.mark.parametrize("l1_ratio", [0, 0.0, 0.5, 1.0])
def test_logistic_penalties(l1_ratio):
    X = np.random.default_rng(0).normal(size=(60, 5))
    arguments = dict(compat.logistic_penalty(l1_ratio), C=0.1, max_iter=1000)
    model = LogisticRegression(solver="saga", random_state=0, **arguments)
    # A warning would be an error.
    zeros = (model.fit(X, X[:, 0] > 0).coef_ == 0).sum()
    assert (zeros > 0) == (l1_ratio > 0)


def test_scorers_that_take_weights():
    assert compat.takes_sample_weight(make_scorer(accuracy_score))
    assert not compat.takes_sample_weight(make_scorer(lambda y_true, y_pred: 0.0))
    assert not compat.takes_sample_weight(lambda estimator, X, y: 0.0)


def test_quadratic_discriminants_are_shrunk(rng):
    arguments = dict(compat.qda_shrinkage(0.5))
    assert 0.5 in arguments.values()
    # Columns that depend on each other have a covariance without an inverse.
    X = rng.normal(size=(60, 2))[:, [0, 1, 1]]
    y = (X[:, 0] > 0).astype(int)
    model = QuadraticDiscriminantAnalysis(**arguments).fit(X, y)
    assert model.score(X, y) > 0.9


def test_quadratic_discriminants_of_earlier_versions(monkeypatch):
    monkeypatch.setattr(
        QuadraticDiscriminantAnalysis, "get_params", lambda self: {"reg_param": 0.0}
    )
    assert compat.qda_shrinkage(0.3) == [("reg_param", 0.3)]
