"""The display of the final model has its weights, and how far members agree."""

import numpy as np
import pytest
from sklearn.datasets import make_multilabel_classification

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.inspection import EnsembleDisplay
from sklearn_meta.inspection._ensemble_display import (
    _correlation,
    _share_of_equal_labels,
    _two_digits,
)
from tests.inspection.models import (
    axes,  # noqa: F401
    check_display,
    diabetes,
    iris,
    texts_of,
    zero_shot,
)


def test_conventions(monkeypatch):
    check_display(
        EnsembleDisplay, kinds=({"kind": "weights"},), monkeypatch=monkeypatch
    )


def test_conventions_with_rows(monkeypatch):
    _, X, _ = iris()
    kinds = {"kind": "weights"}, {"kind": "agreement"}, {}
    check_display(EnsembleDisplay, X, kinds=kinds, monkeypatch=monkeypatch)


@pytest.mark.parametrize("fitted", [iris, diabetes])
def test_weights_are_those_of_the_model(fitted):
    model, *_ = fitted()
    display = EnsembleDisplay.compute(model)
    assert dict(zip(display.numbers, display.weights, strict=True)) == {
        n: w for n, w in model.ensemble_weights_.items() if w > 0
    }
    assert (np.diff(display.weights) <= 0).all()
    scores = {e.number: e.score for e in model.history_}
    assert display.scores.tolist() == [scores[n] for n in display.numbers]
    assert display.agreement is None


@pytest.mark.parametrize("fitted", [iris, diabetes])
def test_agreement_is_that_of_the_members(fitted):
    model, X, _ = fitted()
    display = EnsembleDisplay.compute(model, X)
    encoded = model._row_encoder.encode(model, X)
    members = dict(zip(model.ensemble_weights_, model.ensemble_.members, strict=True))
    labels = [members[n].predict(encoded) for n in display.numbers]
    assert len(labels) > 1
    assert display.n_rows == len(X)
    if fitted is iris:
        expected = [[np.mean(a == b) for a in labels] for b in labels]
    else:
        expected = np.corrcoef(labels)
    np.testing.assert_allclose(display.agreement, expected, rtol=1e-10)


def test_several_labels_are_compared_one_by_one():
    # Probabilities that happen to sum to one are no classes.
    first = np.array([[0.4, 0.6], [0.6, 0.4]])
    second = np.array([[0.4, 0.6], [0.4, 0.6]])
    assert _share_of_equal_labels(first, second) == 0.5
    X, y = make_multilabel_classification(60, n_classes=2, random_state=0)
    clf = MetaAutoClassifier(max_evaluations=3, random_state=0).fit(X, y)
    display = EnsembleDisplay.compute(clf, X)
    assert ((display.agreement >= 0) & (display.agreement <= 1)).all()


def test_correlation_of_constants_and_of_several_targets():
    line = np.arange(4.0)
    assert _correlation(line, -2 * line) == pytest.approx(-1)
    assert _correlation(line, line) == 1
    assert np.isnan(_correlation(line, np.ones(4)))
    two = np.c_[line, line]
    assert _correlation(two, np.c_[line, -line]) == pytest.approx(0)
    assert _correlation(two, np.c_[line, np.ones(4)]) == pytest.approx(1)


def test_what_is_drawn(axes):  # noqa: F811
    model, X, _ = iris()
    display = EnsembleDisplay.from_estimator(model, X, kind="weights", ax=axes)
    widths = [bar.get_width() for bar in display.bars_]
    np.testing.assert_allclose(widths, display.weights)
    assert f"{100 * display.weights[0]:.0f} %" in texts_of(axes)


def test_the_heaviest_of_many_members(axes):  # noqa: F811
    n = 30
    display = EnsembleDisplay(
        numbers=range(n),
        weights=np.full(n, 1 / n),
        scores=np.full(n, np.nan),
        pipelines=["ridge(X)"] * n,
        agreement=np.eye(n),
        n_rows=5,
    ).plot(axes)
    assert display.im_.get_array().shape == (12, 12)
    assert "12 heaviest members" in texts_of(axes)


def test_one_member_agrees_with_itself(axes):  # noqa: F811
    clf = zero_shot()
    X = np.ones((3, 4))
    EnsembleDisplay.from_estimator(clf, X, ax=axes)
    assert "one pipeline" in texts_of(axes)


def test_agreement_needs_rows():
    with pytest.raises(ValueError, match=r"Pass X to EnsembleDisplay.from_estimator"):
        EnsembleDisplay.compute(iris()[0]).plot(kind="agreement")


def test_digits():
    assert (_two_digits(0.999), _two_digits(1.0), _two_digits(0.5)) == (
        "> .99", "1.00", "0.50",
    )  # fmt: skip
