"""Three lines above scikit-learn's diagram, once fitted."""

import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_html_repr

from sklearn_meta.inspection._representation import summary_lines
from tests.contract.small import classifier, prices, regressor


@pytest.fixture(scope="module")
def fitted():
    return classifier().fit(*load_iris(return_X_y=True))


def test_unfitted_estimators_have_the_diagram_only():
    model = classifier()
    assert summary_lines(model) == []
    assert model._repr_html_().startswith("<style>")


def test_fitted_estimators_have_three_lines_above_it(fitted):
    task, scores, final = summary_lines(fitted)
    assert task == "Classification into 3 classes, 150 rows × 4 columns, neg_log_loss"
    assert scores.startswith("best_score_ \N{MINUS SIGN}0.")
    assert "constant guess \N{MINUS SIGN}1.099" in scores
    assert "3 evaluations in " in final
    assert final.endswith("maximum number of evaluations reached")
    shown = fitted._repr_html_()
    assert shown.index(task) < shown.index("<style>") and 'class="sk-top' in shown
    assert shown.index("<br>") < shown.index("<style>")


def test_numbers_and_no_search():
    frame, price = prices()
    task, scores, final = summary_lines(regressor(search=None).fit(frame, price))
    assert task.startswith("Regression, 120 rows × 3 columns")
    assert scores.startswith("best_score_ nan")
    assert "fitted without a search" in final


def test_text_stays_that_of_scikit_learn(fitted):
    assert repr(fitted) == repr(clone(fitted))
    assert "rows" not in repr(fitted)


def test_display_as_text(fitted):
    with config_context(display="text"):
        assert not hasattr(fitted, "_repr_html_")
        assert set(fitted._repr_mimebundle_()) == {"text/plain"}
    assert set(fitted._repr_mimebundle_()) == {"text/plain", "text/html"}


def test_within_a_pipeline_the_diagram_is_usual(fitted):
    pipeline = make_pipeline(StandardScaler(), fitted)
    shown = pipeline._repr_html_()
    assert "MetaAutoClassifier" in shown and "150 rows" not in shown


def test_what_is_shown_is_escaped(fitted, monkeypatch):
    monkeypatch.setattr(fitted, "stop_reason_", "<script>")
    above = fitted._repr_html_().partition("<style>")[0]
    assert "&lt;script&gt;" in above and "<script>" not in above


def test_the_function_of_scikit_learn_still_works(fitted):
    assert "sk-top-container" in estimator_html_repr(fitted)
