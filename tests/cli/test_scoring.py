"""Names of metrics."""

import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import get_scorer

from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._scoring import scoring_name
from tests.contract.small import classifier


def test_the_default_is_that_of_the_estimators():
    X, y = load_iris(return_X_y=True)
    name = scoring_name(None, "classification")
    fitted = classifier(max_evaluations=1).fit(X, y)
    given = classifier(max_evaluations=1, scoring=name).fit(X, y)
    assert fitted.best_score_ == given.best_score_
    assert get_scorer(name)(fitted, X, y) < 0
    assert scoring_name(None, "regression") == "neg_root_mean_squared_error"


def test_scorers_of_scikit_learn():
    assert scoring_name("f1_macro", "classification") == "f1_macro"
    with pytest.raises(UsageError, match="no scorer 'f1macro'.*did you mean"):
        scoring_name("f1macro", "classification")
    with pytest.raises(UsageError, match="there are accuracy, "):
        scoring_name("zzz", "classification")
