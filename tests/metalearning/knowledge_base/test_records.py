"""Records that check themselves."""

import math
from dataclasses import FrozenInstanceError

import pytest

from tests.metalearning.knowledge import dataset, evaluation


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dataset(task="ranking"), "'task' must be one of"),
        (lambda: dataset(name=""), "name of a dataset"),
        (lambda: dataset(n_samples=-1), "'n_samples' of dataset 'iris'"),
        (lambda: dataset(metafeatures={"skew": math.inf}), "meta-feature 'skew'"),
        (lambda: evaluation(status="fine"), "'status' .* 'ok'.* Got 'fine'"),
        (lambda: evaluation(fit_seconds=-1.0), "'fit_seconds'"),
        (lambda: evaluation(predict_seconds=math.inf), "'predict_seconds'"),
        (lambda: evaluation(n_rows=-1), "'n_rows'"),
    ],
)
def test_records_check_themselves(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_records_are_frozen():
    with pytest.raises(FrozenInstanceError):
        dataset().name = "other"
