"""Splitters and scorers get the metadata that they ask for."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import get_scorer, make_scorer, mean_squared_error
from sklearn.model_selection import GroupKFold, KFold

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.evaluation._routing import (
    RoutedMetadata,
    route,
    routes_metadata,
    takes_weights,
)

WEIGHT, GROUPS, COST = np.array([1.0, 2.0]), np.array([0, 1]), np.array([3.0, 4.0])


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def plain(estimator, X, y):
    return 0.0


def routed(scorer=None, cv=None, method="fit", **metadata):
    estimator = MetaAutoRegressor(scoring=scorer, cv=cv)
    return route(estimator, method, scorer, cv, **metadata)


def test_which_scorers_have_a_use_for_weights():
    assert takes_weights(get_scorer("r2"))
    assert not takes_weights(plain) and not takes_weights(None)
    assert not takes_weights(make_scorer(lambda y, p: 0.0))


def test_which_splitters_take_part_in_routing():
    assert routes_metadata(GroupKFold()) and routes_metadata(KFold())
    assert not routes_metadata(None) and not routes_metadata(5)
    assert not routes_metadata([([0], [1])])


def test_without_routing_the_scorer_gets_the_weights_if_it_can_take_them():
    scorer = get_scorer("r2")
    assert routed(scorer, sample_weight=WEIGHT) == RoutedMetadata(None, {}, True)
    assert routed(plain, sample_weight=WEIGHT) == RoutedMetadata(None, {}, False)
    assert routed(None, sample_weight=WEIGHT) == RoutedMetadata(None, {}, False)
    assert routed(scorer) == RoutedMetadata(None, {}, False)


def test_without_routing_the_groups_are_the_splitters_own_affair():
    # None stands for the groups, see `make_folds`.
    assert routed(None, GroupKFold(), groups=GROUPS).split is None


def test_with_routing_each_gets_what_it_requests(routing):
    scorer = make_scorer(mean_squared_error).set_score_request(
        sample_weight=True, cost="cost_of_row"
    )
    metadata = routed(
        scorer,
        GroupKFold().set_split_request(groups=True),
        sample_weight=WEIGHT,
        groups=GROUPS,
        cost_of_row=COST,
    )
    assert metadata.split == {"groups": GROUPS}
    assert list(metadata.score) == ["cost"] and metadata.score["cost"] is COST
    # The weights of the candidates follow the rows, so they are not among the rest.
    assert metadata.weighs


def test_other_weights_under_the_name_of_the_weights_are_metadata(routing):
    scorer = make_scorer(mean_squared_error).set_score_request(sample_weight="cost")
    metadata = routed(scorer, cost=COST)
    both = routed(scorer, cost=COST, sample_weight=WEIGHT)
    assert metadata.score["sample_weight"] is COST and not metadata.weighs
    assert both.score["sample_weight"] is COST and not both.weighs


def test_with_routing_nothing_is_handed_over_unasked(routing):
    scorer = get_scorer("r2")
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        routed(scorer, sample_weight=WEIGHT)
    refuses = get_scorer("r2").set_score_request(sample_weight=False)
    assert routed(refuses, sample_weight=WEIGHT) == RoutedMetadata(None, {}, False)


def test_with_routing_a_number_of_folds_gets_nothing(routing):
    assert routed(None, 5, sample_weight=WEIGHT).split is None


def test_scoring_a_fitted_estimator_is_routed_as_well(routing):
    scorer = get_scorer("r2").set_score_request(sample_weight=True)
    assert routed(scorer, method="score", sample_weight=WEIGHT).weighs
