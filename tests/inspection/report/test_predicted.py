"""Rows with their predictions, and the decisions of the model on them."""

import numpy as np
import pytest

from sklearn_meta.data._task import (
    ClassificationTask,
    MultilabelTask,
    RegressionTask,
)
from sklearn_meta.inspection.report._predicted import (
    as_predicted,
    of_table,
    out_of_fold,
    task_of,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("classes", ClassificationTask),
        ("labels", MultilabelTask),
        ("number", RegressionTask),
        ("numbers", RegressionTask),
    ],
)
def test_tasks(cases, name, kind):
    case = cases[name]
    task = task_of(case.model)
    assert isinstance(task, kind)
    assert task.n_outputs == np.reshape(case.y, (len(case.y), -1)).shape[1]


def test_decisions_are_those_of_predict(case):
    predicted, rows = of_table(case.model, case.X, case.y)
    assert len(rows) == len(predicted) == len(case.X)
    decided = task_of(case.model).decode(predicted.decided)
    np.testing.assert_array_equal(decided, case.model.predict(case.X))
    np.testing.assert_array_equal(
        task_of(case.model).decode(predicted.y), np.asarray(case.y)
    )


def test_out_of_fold_predictions_are_those_of_the_attribute(cases):
    model = cases["number"].model
    known = out_of_fold(model)
    finite = np.isfinite(model.oof_predictions_)
    np.testing.assert_array_equal(known.predictions, model.oof_predictions_[finite])
    assert out_of_fold(cases["no search"].model) is None


def test_rows_are_taken_together(cases):
    predicted = as_predicted(
        cases["number"].model, np.arange(4.0), np.arange(4.0) + 1
    ).take([2, 0])
    np.testing.assert_array_equal(predicted.y, [2, 0])
    np.testing.assert_array_equal(predicted.decided, [3, 1])
