"""Leave-one-family-out evaluation orders methods as it should."""

from dataclasses import replace

import numpy as np

from sklearn_meta.metalearning._leave_one_family_out import (
    by_oracle,
    by_recall,
    in_random_order,
    leave_one_family_out,
)
from tests.metalearning.matrices import planted


def test_better_methods_have_smaller_regrets():
    matrix = planted()
    lengths = (1, 5, 10)
    parameters = {"min_datasets_leaf": 8}
    mean = {
        name: leave_one_family_out(matrix, propose, lengths).values.mean(axis=0)
        for name, propose in {
            "random": in_random_order(0),
            "static": by_recall(shrinkage=np.inf, **parameters),
            "hybrid": by_recall(shrinkage=0.3, **parameters),
            "adaptive": by_recall(shrinkage=0.3, evidence=1.0, **parameters),
            "oracle": by_oracle(),
        }.items()
    }
    assert (mean["oracle"] == 0).all()
    assert (mean["hybrid"] < mean["static"]).all()
    assert (mean["static"] < mean["random"]).all()
    assert mean["adaptive"][2] <= mean["hybrid"][2]


def test_nothing_of_the_own_family_is_shown():
    matrix = planted(n_datasets=12)
    matrix = replace(matrix, families=tuple(f"family {i // 3}" for i in range(12)))

    def propose(known, new, n):
        assert len(known.datasets) == 9
        assert matrix.families[new.index] not in known.families
        return [0]

    regrets = leave_one_family_out(matrix, propose, (1,))
    assert regrets.datasets == matrix.datasets
