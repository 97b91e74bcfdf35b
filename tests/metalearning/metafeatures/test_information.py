"""Mutual information against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from sklearn_meta.metalearning.metafeatures import (
    describe,
)
from sklearn_meta.metalearning.metafeatures._sample import draw_sample
from tests.metalearning.metafeatures.tables import (
    ordinary_table,
)


def test_mutual_information_is_that_of_scikit_learn():
    dataset = ordinary_table("classification")
    sample = draw_sample(
        dataset, max_rows=1000, max_columns=100, random_state=np.random.RandomState(0)
    )
    expected = [mutual_info_score(b, sample.y) / np.log(2) for b in sample.bins.T]
    metafeatures = describe(dataset)
    assert metafeatures["mutual_information_mean"] == pytest.approx(np.mean(expected))
    assert metafeatures["mutual_information_max"] == pytest.approx(np.max(expected))
