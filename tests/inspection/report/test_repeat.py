"""What is needed to repeat a fit is said, and nothing else."""

import numpy
import sklearn

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.inspection.report._repeat import describe


def test_versions(cases):
    model = cases["classes"].model
    versions = dict(describe(model, ["lightgbm(X)"]).versions)
    assert versions["scikit-learn"] == sklearn.__version__
    assert versions["numpy"] == numpy.__version__
    assert {"lightgbm", "pandas"} <= versions.keys()
    assert "torch" not in versions
    assert "torch" in dict(describe(model, ["maml(X)"]).versions)


def test_parameters_are_those_that_differ_from_their_defaults(cases):
    model = cases["classes"].model
    found = describe(model, [])
    names = [name for name, _ in found.parameters]
    assert names == sorted(
        ["cv", "max_evaluations", "meta_learner", "random_state", "search_space"],
        key=list(model.get_params(deep=False)).index,
    )
    assert found.seed == "0" and found.is_counted
    # Long ones are cut.
    assert all(len(text) <= 160 for _, text in found.parameters)


def test_a_default_estimator_has_no_parameters_to_say(cases):
    model = MetaAutoClassifier()
    model._row_encoder, model._source = cases["classes"].model._row_encoder, None
    found = describe(model, [])
    assert found.parameters == () and found.seed == "" and not found.is_counted


def test_the_page_says_how_to_call(cases):
    case = cases["classes"]
    assert "MetaAutoClassifier(cv=2, max_evaluations=3, " in case.report.html
