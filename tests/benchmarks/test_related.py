"""What a dataset of one's own should count."""

import numpy as np
import pytest

from benchmarks.related import regrets_by_factor
from tests.metalearning.matrices import matrix_of

N_FAMILIES, N_PIPELINES = 8, 30


@pytest.fixture(scope="module")
def best():
    """Families of two with a best pipeline of their own; meta-features tell nothing."""
    rng = np.random.default_rng(0)
    families = np.repeat(np.arange(N_FAMILIES), 2)
    mean = rng.normal(size=(N_FAMILIES, N_PIPELINES))[families]
    mean += 0.01 * rng.normal(size=mean.shape)
    # The last one is alone.
    families[-1] = N_FAMILIES
    matrix = matrix_of(
        mean,
        rng.normal(size=(len(families), 3)),
        families=tuple(f"family {f}" for f in families),
    )
    return regrets_by_factor(matrix, factors=(0, 1, 1e6), length=3)


def test_each_dataset_with_others_in_its_family_is_proposed_for(best):
    assert {v.shape for v in best.values()} == {(2 * N_FAMILIES - 2, 3)}


def test_more_proposals_are_never_worse(best):
    for values in best.values():
        assert (np.diff(values, axis=1) <= 0).all() and (values >= 0).all()


def test_what_the_family_knows_is_found_if_it_counts(best):
    first = {factor: values[:, 0].mean() for factor, values in best.items()}
    assert first[1e6] < 0.05 < first[1] < first[0]
