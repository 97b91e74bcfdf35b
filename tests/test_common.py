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


class _RepeatableClassifier(MetaAutoClassifier):
    """The default search, with the checks that need repeatable fits.

    A search that ends by the clock says that it is not deterministic, which is the
    truth on large tables, and scikit-learn then leaves out three checks. On the tables
    of the checks it ends before the clock does.
    """

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


class _RepeatableRegressor(MetaAutoRegressor):
    """As `_RepeatableClassifier`."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.non_deterministic = False
        return tags


@pytest.mark.slow
@parametrize_with_checks([_RepeatableClassifier(), _RepeatableRegressor()])
def test_default_search(estimator, check):
    check(estimator)
