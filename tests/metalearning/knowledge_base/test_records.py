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
        # What no file is read with is not written either.
        (lambda: dataset(n_features=10**16), "'n_features' .* at most 1e\\+15"),
        (lambda: dataset(family="é" * 60_000), "'family' .* 100000 bytes"),
        (lambda: evaluation("X" * 100_001), "'pipeline' .* 100000 bytes"),
        (lambda: evaluation(scores={"r2": (0.5, -0.1)}), "standard error .*'r2'"),
    ],
)
def test_records_check_themselves(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_names_are_texts():
    for make in (lambda: dataset(family=3), lambda: evaluation(b"lda(X)")):
        with pytest.raises(TypeError, match="must be a str"):
            make()


def test_records_are_frozen():
    with pytest.raises(FrozenInstanceError):
        dataset().name = "other"
