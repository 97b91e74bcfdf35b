"""The facts agree with the attributes of the estimator."""

import pickle

import numpy as np
import pytest
from sklearn.inspection import permutation_importance
from sklearn.metrics import confusion_matrix, log_loss

from sklearn_meta.inspection.report._collect import collect_facts
from sklearn_meta.inspection.report._predicted import out_of_fold
from tests.contract.small import classifier


def test_facts_are_those_of_the_attributes(case):
    model = case.model
    facts = collect_facts(model)
    assert facts.scores.metric.name == model._fit_record.metric
    np.testing.assert_equal(facts.scores.best, model.best_score_)
    assert facts.search.n_evaluations == model.n_evaluations_
    assert facts.search.stop_reason == model.stop_reason_
    assert sum(n for _, n in facts.search.statuses) == len(model.history_)
    assert sum(n for _, n in facts.search.origins) == len(model.history_)
    shares = {member.number: member.share for member in facts.inside.members}
    assert shares == pytest.approx(model.ensemble_weights_)
    assert len(facts.columns) == model.n_features_in_
    assert [c.kind for c in facts.columns] == list(model.column_report_["kind"])
    assert dict(facts.repeat.parameters)["cv"] == "2"
    assert facts.summary_lines() and isinstance(facts.watch_lines(), list)


def test_classes_and_their_counts(cases):
    case = cases["classes"]
    facts = collect_facts(case.model)
    assert facts.classes == ("no", "yes")
    assert sum(facts.record.counts) == 80


def test_out_of_fold_predictions_are_described(cases):
    model = cases["classes"].model
    facts, known = collect_facts(model), out_of_fold(model)
    assert facts.quality.rows == "out-of-fold"
    np.testing.assert_array_equal(
        facts.quality.of_classes.confusion, confusion_matrix(known.y, known.decided)
    )


def test_without_out_of_fold_predictions_the_test_is_described(cases):
    case = cases["no search"]
    assert collect_facts(case.model).quality is None
    quality = collect_facts(case.model, case.X, case.y).quality
    assert quality.rows == "test" and quality.n_rows == len(case.X)


def test_the_test_score_is_that_of_the_metric(cases):
    case = cases["classes"]
    facts = collect_facts(case.model, case.X, case.y)
    expected = -log_loss(case.y, case.model.predict_proba(case.X))
    assert facts.scores.test.score == pytest.approx(expected, rel=1e-6)
    low, high = facts.scores.test.interval
    assert low < expected < high
    tuned = cases["tuned"]
    found = collect_facts(tuned.model, tuned.X, tuned.y).scores.test
    assert found.score == pytest.approx(tuned.model.score(tuned.X, tuned.y))


def test_importance_is_that_of_the_display(cases):
    case = cases["number"]
    found = collect_facts(case.model, case.X, case.y).importance
    expected = permutation_importance(
        case.model, case.X, case.y, scoring="neg_root_mean_squared_error", n_repeats=3,
        random_state=0,
    )  # fmt: skip
    of_columns = dict(zip(found.names, found.means, strict=True))
    for name, mean in zip(case.X.columns, expected.importances_mean, strict=True):
        assert of_columns[name] == pytest.approx(mean)
    assert list(found.means) == sorted(found.means, reverse=True)


def test_with_rows_alone_only_the_speed_is_measured(cases):
    case = cases["number"]
    facts = collect_facts(case.model, case.X)
    assert facts.scores.test is None and facts.importance is None
    assert facts.speed.thousand_rows > 0


def test_a_target_without_rows_is_an_error(cases):
    with pytest.raises(ValueError, match="y_test was passed without X_test"):
        collect_facts(cases["number"].model, y_test=[1.0])


def test_targets_that_do_not_fit_are_errors(cases):
    case = cases["number"]
    with pytest.raises(ValueError, match="the same number of rows. Got 40 and 39"):
        collect_facts(case.model, case.X, case.y[:39])
    with pytest.raises(ValueError, match="must have 1 column.*Got 2"):
        collect_facts(case.model, case.X, np.column_stack([case.y, case.y]))
    case = cases["classes"]
    with pytest.raises(ValueError, match="classes that fit has seen"):
        collect_facts(case.model, case.X, ["other"] * len(case.X))


def test_rows_of_other_classes_are_left_out_and_said(cases):
    case = cases["classes"]
    y = np.array(case.y, dtype=object)
    y[:3] = "never"
    facts = collect_facts(case.model, case.X, y)
    assert facts.scores.test.n_unseen == 3
    known = collect_facts(case.model, case.X[3:], case.y[3:])
    assert facts.scores.test.score == pytest.approx(known.scores.test.score)
    assert any(
        w.startswith("Classes that fit has not seen") for w in facts.watch_lines()
    )


def test_a_loaded_model_has_a_report(cases):
    case = cases["classes"]
    loaded = pickle.loads(pickle.dumps(case.model))
    facts, before = collect_facts(loaded), collect_facts(case.model)
    assert facts.summary == before.summary
    assert facts.watches == before.watches


def test_scorers_that_read_the_table_have_no_interval():
    X = np.random.default_rng(0).normal(size=(60, 3))
    y = (X[:, 0] > 0).astype(int)
    model = classifier(scoring=share_right).fit(X, y)
    test = collect_facts(model, X, y).scores.test
    assert test.score == share_right(model, X, y)
    assert np.isnan(test.interval).all()
    assert "share right" in collect_facts(model, X, y).scores.metric.words


def share_right(estimator, X, y):
    return float(np.mean(estimator.predict(X) == y))


def test_columns_that_suffice_alone_are_named(rng):
    X = rng.normal(size=(200, 3))
    y = (X[:, 2] > 0).astype(int)
    facts = collect_facts(classifier().fit(X, y))
    (suspect,) = facts.suspects
    assert suspect.column == "x2"
    (line,) = [w for w in facts.watch_lines() if "suffices" in w]
    assert "“x2” alone gives the right class" in line
