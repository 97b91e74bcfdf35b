"""scikit-learn's own checks, none excused."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor

# What the checks warn of is theirs: deprecated containers, warnings they count.
pytestmark = pytest.mark.filterwarnings("ignore")


@parametrize_with_checks(
    [
        MetaAutoClassifier(max_evaluations=2, random_state=0),
        MetaAutoRegressor(max_evaluations=2, random_state=0),
    ]
)
def test_short_search(estimator, check):
    check(estimator)
