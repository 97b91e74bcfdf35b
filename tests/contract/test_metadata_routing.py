"""Weights and groups reach whom they are meant for, with routing and without."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    BaseCrossValidator,
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneGroupOut,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version
from sklearn.utils.metadata_routing import get_routing_for_object

from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor
from sklearn_meta.exceptions import SklearnMetaWarning
from tests.contract.small import classifier, people, regressor, texts

X, y = load_iris(return_X_y=True)
GROUPS = np.arange(150) % 6
# No integers: those are spelled out as repeated rows before anything gets to see them.
WEIGHTS = np.random.default_rng(0).uniform(0.5, 3.0, size=150)

scorers_request_metadata = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scorers pass on metadata, or ask to be told, since scikit-learn 1.9",
)


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(params=[False, True], ids=["without routing", "with routing"])
def either_way(request):
    with sklearn.config_context(enable_metadata_routing=request.param):
        yield


class Recorder:
    """A metric that notes the weights it gets."""

    # make_scorer asks for it.
    __name__ = "recorder"

    def __init__(self):
        self.weights = []

    def __call__(self, y_true, y_pred, *, sample_weight=None):
        self.weights.append(sample_weight)
        return accuracy_score(y_true, y_pred, sample_weight=sample_weight)

    @property
    def was_weighted(self):
        assert self.weights
        kinds = {weights is not None for weights in self.weights}
        assert len(kinds) == 1
        return kinds == {True}


def cheat(weights, good):
    """Labels that are wrong on all rows that hardly weigh anything."""
    noisy = y.copy()
    noisy[~good] = (y[~good] + 1) % 3
    return noisy, np.where(good, weights, 1e-6)


# Direct calls


def test_weights_reach_the_candidates(either_way):
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    # Learners that take weights.
    weighted = classifier(random_state=1).fit(X, noisy, sample_weight=weights)
    plain = classifier(random_state=1).fit(X, noisy)
    assert weighted.score(X, y) > 0.9 > plain.score(X, y)


def test_weights_reach_the_default_score(either_way):
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    weighted = classifier().fit(X, noisy, sample_weight=weights)
    plain = classifier().fit(X, noisy)
    assert weighted.best_score_ > plain.best_score_ + 0.2
    expected = accuracy_score(noisy, weighted.predict(X), sample_weight=weights)
    assert weighted.score(X, noisy, sample_weight=weights) == pytest.approx(expected)
    assert weighted.score(X, noisy) < expected


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "roc_auc_ovr"])
def test_weights_reach_scorers_that_are_named(name, either_way):
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    weighted = classifier(scoring=name).fit(X, noisy, sample_weight=weights)
    plain = classifier(scoring=name).fit(X, noisy)
    assert weighted.best_score_ > plain.best_score_ + 0.1
    score = weighted.score(X, noisy, sample_weight=weights)
    assert score > weighted.score(X, noisy) + 0.1


def test_without_routing_a_scorer_gets_the_weights_if_it_takes_them():
    metric = Recorder()
    clf = classifier(scoring=make_scorer(metric)).fit(X, y, sample_weight=WEIGHTS)
    assert metric.was_weighted
    metric.weights.clear()
    clf.score(X, y, sample_weight=WEIGHTS)
    np.testing.assert_array_equal(metric.weights[0], WEIGHTS)
    metric.weights.clear()
    clf.score(X, y)
    assert not metric.was_weighted


@pytest.mark.parametrize("requested", [True, False])
def test_with_routing_a_scorer_gets_the_weights_if_it_asks_for_them(requested, routing):
    metric = Recorder()
    scorer = make_scorer(metric).set_score_request(sample_weight=requested)
    clf = classifier(scoring=scorer).fit(X, y, sample_weight=WEIGHTS)
    assert metric.was_weighted is requested
    metric.weights.clear()
    clf.score(X, y, sample_weight=WEIGHTS)
    assert metric.was_weighted is requested


@scorers_request_metadata
def test_with_routing_a_scorer_has_to_say_what_it_wants(routing):
    clf = classifier(scoring=make_scorer(accuracy_score))
    with pytest.raises(UnsetMetadataPassedError, match="set_score_request"):
        clf.fit(X, y, sample_weight=WEIGHTS)
    clf.fit(X, y)
    with pytest.raises(UnsetMetadataPassedError, match="set_score_request"):
        clf.score(X, y, sample_weight=WEIGHTS)


def close_enough(estimator, X, y):
    """A scorer that knows nothing of weights."""
    return np.mean(np.abs(estimator.predict(X) - y) < 0.5)


@pytest.mark.parametrize("scoring", [close_enough, "neg_max_error"])
def test_scores_that_cannot_be_weighted_are_told(scoring, either_way):
    reg = regressor(scoring=scoring)
    with pytest.warns(SklearnMetaWarning, match="compared without them") as caught:
        reg.fit(X, y, sample_weight=WEIGHTS)
    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
    assert reg.score(X, y, sample_weight=WEIGHTS) == reg.score(X, y)


@pytest.mark.parametrize("estimator", [classifier(), regressor()])
def test_fit_takes_weights_and_groups_together(estimator, either_way):
    estimator.fit(X, y, sample_weight=WEIGHTS, groups=GROUPS)
    assert estimator.predict(X).shape == (150,)


@pytest.mark.parametrize(
    "weights, match",
    [
        (WEIGHTS[:-1], "sample_weight.shape"),
        (-WEIGHTS, "[Nn]egative"),
        (np.full(150, np.nan), "NaN"),
        (np.zeros(150), "zero|needs at least|0 sample|1 class|least one"),
    ],
)
def test_bad_weights_are_refused(weights, match):
    with pytest.raises(ValueError, match=match):
        classifier().fit(X, y, sample_weight=weights)


def test_groups_of_another_length_are_refused():
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        classifier().fit(X, y, groups=GROUPS[:-1])


# Requests


@pytest.mark.parametrize("cls", [MetaAutoClassifier, MetaAutoRegressor])
def test_requests_are_those_of_the_signatures(cls, routing):
    estimator = cls().set_fit_request(sample_weight=True, groups="site")
    estimator.set_score_request(sample_weight=False)
    request = get_routing_for_object(estimator)._self_request
    assert request.fit.requests == {"sample_weight": True, "groups": "site"}
    assert request.score.requests == {"sample_weight": False}
    with pytest.raises(TypeError, match="Unexpected args"):
        cls().set_fit_request(weight=True)


def test_requests_survive_cloning(routing):
    estimator = sklearn.base.clone(classifier().set_fit_request(groups=True))
    assert get_routing_for_object(estimator)._self_request.fit.requests["groups"]


def test_routing_tells_of_the_scorer(routing):
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight="w")
    clf = classifier(scoring=scorer).set_fit_request(groups=True)
    router = clf.get_metadata_routing()
    assert router.consumes("fit", ["w", "groups", "other"]) == {"w", "groups"}
    assert router.consumes("score", ["w", "groups"]) == {"w"}


# Inside others


class NeedsWeights(ClassifierMixin, BaseEstimator):
    """A first step that refuses to go without weights."""

    def fit(self, X, y, sample_weight=None):
        assert sample_weight is not None
        return self

    def transform(self, X):
        return X


def test_routed_through_a_pipeline(routing):
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    pipeline = make_pipeline(
        NeedsWeights().set_fit_request(sample_weight=True),
        StandardScaler().set_fit_request(sample_weight=False),
        classifier(cv=GroupKFold(3))
        .set_fit_request(sample_weight=True, groups=True)
        .set_score_request(sample_weight=True),
    ).fit(X, noisy, sample_weight=weights, groups=GROUPS)
    assert pipeline[-1].n_splits_ == 3
    assert pipeline.score(X, noisy, sample_weight=weights) > 0.9
    assert pipeline.score(X, y) > 0.9


def test_without_routing_through_a_pipeline():
    pipeline = make_pipeline(StandardScaler(), classifier(cv=GroupKFold(3)))
    name = "metaautoclassifier"
    pipeline.fit(X, y, **{f"{name}__sample_weight": WEIGHTS, f"{name}__groups": GROUPS})
    assert pipeline[-1].n_splits_ == 3


def test_a_request_that_is_not_made_is_an_error(routing):
    pipeline = make_pipeline(classifier())
    with pytest.raises(UnsetMetadataPassedError, match="set_fit_request"):
        pipeline.fit(X, y, sample_weight=WEIGHTS)


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_routed_through_a_grid_search(scoring, routing):
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    inner = (
        classifier(scoring=scoring)
        .set_fit_request(sample_weight=True, groups=True)
        .set_score_request(sample_weight=True)
    )
    search = GridSearchCV(
        inner, {"max_evaluations": [1, 3]}, cv=GroupKFold(2), error_score="raise"
    ).fit(X, noisy, sample_weight=weights, groups=GROUPS)
    # Judged by weights, the wrong labels do not count.
    assert search.best_score_ > 0.9
    assert search.best_estimator_.score(X, y) > 0.9


def test_without_routing_through_a_grid_search():
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    search = GridSearchCV(
        classifier(), {"max_evaluations": [1, 3]}, cv=2, error_score="raise"
    ).fit(X, noisy, sample_weight=weights)
    assert search.best_score_ > 0.9


def test_routed_through_nested_splitters_that_need_groups(routing):
    inner = classifier(cv=LeaveOneGroupOut()).set_fit_request(groups=True)
    results = cross_validate(
        inner,
        X,
        y,
        cv=GroupKFold(2),
        params={"groups": GROUPS},
        return_estimator=True,
        error_score="raise",
    )
    # Three of the six groups are left in each training part.
    assert [e.n_splits_ for e in results["estimator"]] == [3, 3]


def test_routed_through_a_calibration(routing):
    inner = classifier().set_fit_request(sample_weight=True)
    calibrated = CalibratedClassifierCV(inner, cv=2)
    assert calibrated.fit(X, y, sample_weight=WEIGHTS).score(X, y) > 0.9


# Splitters


class EverySecond:
    """A splitter of the user's own, which is no class of scikit-learn."""

    def split(self, X, y=None, groups=None):
        even = np.arange(len(y)) % 2 == 0
        yield np.flatnonzero(even), np.flatnonzero(~even)
        yield np.flatnonzero(~even), np.flatnonzero(even)

    def get_n_splits(self, X=None, y=None, groups=None):
        return 2


HALF = np.arange(150) % 2


SPLITTERS = {
    "int": (3, 3),
    "KFold": (KFold(3, shuffle=True, random_state=0), 3),
    "StratifiedKFold": (StratifiedKFold(4), 4),
    "ShuffleSplit": (ShuffleSplit(2, test_size=0.3, random_state=0), 2),
    "GroupKFold": (GroupKFold(3), 3),
    "StratifiedGroupKFold": (StratifiedGroupKFold(2), 2),
    "GroupShuffleSplit": (GroupShuffleSplit(3, random_state=0), 3),
    "LeaveOneGroupOut": (LeaveOneGroupOut(), 6),
    "PredefinedSplit": (PredefinedSplit(HALF), 2),
    "holdout": (PredefinedSplit(np.where(HALF, 0, -1)), 1),
    "own class": (EverySecond(), 2),
    "indices": ([(np.flatnonzero(HALF), np.flatnonzero(1 - HALF))], 1),
    "masks": ([(HALF == 0, HALF == 1), (HALF == 1, HALF == 0)], 2),
    "lists": ([(list(range(0, 150, 2)), list(range(1, 150, 2)))], 1),
}


@pytest.mark.parametrize("cv, n_splits", SPLITTERS.values(), ids=SPLITTERS)
def test_splitters_of_every_kind(cv, n_splits, either_way):
    clf = classifier(cv=cv).fit(X, y, groups=GROUPS)
    assert clf.n_splits_ == n_splits
    assert clf.score(X, y) > 0.9


def test_the_same_splits_given_in_three_ways_give_the_same():
    splits = list(EverySecond().split(X, y))
    runs = [
        classifier(cv=cv).fit(X, y)
        for cv in (EverySecond(), splits, PredefinedSplit(1 - HALF))
    ]
    scores = [[e.scores for e in run.history_] for run in runs]
    assert scores[0] == scores[1] == scores[2]
    assert texts(runs[0]) == texts(runs[1]) == texts(runs[2])


def test_a_generator_of_splits_is_used_up_by_one_fit():
    clf = classifier(cv=EverySecond().split(X, y)).fit(X, y)
    assert clf.n_splits_ == 2


def test_folds_never_divide_a_group():
    seen = []

    class Watching(GroupKFold):
        def split(self, X, y=None, groups=None):
            for train, test in super().split(X, y, groups):
                seen.append((set(groups[train]), set(groups[test])))
                yield train, test

    classifier(cv=Watching(3)).fit(X, y, groups=GROUPS)
    assert len(seen) == 3
    assert all(not train & test for train, test in seen)
    assert set.union(*(test for _, test in seen)) == set(range(6))


def test_splits_in_time():
    frame, labels = people()
    clf = classifier(cv=TimeSeriesSplit(3)).fit(frame, labels)
    assert clf.n_splits_ == 3


def test_a_splitter_without_the_groups_that_it_needs_is_an_error(either_way):
    with pytest.raises(ValueError, match="groups"):
        classifier(cv=GroupKFold(3)).fit(X, y)


def test_groups_may_have_any_name():
    names = np.array(["Oslo", "Rome", "Lima"])[np.arange(150) % 3]
    assert classifier(cv=LeaveOneGroupOut()).fit(X, y, groups=names).n_splits_ == 3


# Metadata of other names


class ByPart(BaseCrossValidator):
    """A splitter that wants to know the part of each row, and may want to know more."""

    def get_n_splits(self, X=None, y=None, groups=None, part=None):
        return len(np.unique(part))

    def split(self, X, y=None, groups=None, part=None):
        for name in np.unique(part):
            yield np.flatnonzero(part != name), np.flatnonzero(part == name)


def share_of_price(y_true, y_pred, *, price=None):
    """Share of the total price on rows whose label is right."""
    assert price is None or len(price) == len(y_true)
    return float(np.average(y_true == y_pred, weights=price))


PARTS = np.array(["a", "b", "c", "d"])[np.arange(150) % 4]


def test_a_splitter_gets_what_it_asks_for(routing):
    cv = ByPart().set_split_request(part=True)
    assert classifier(cv=cv).fit(X, y, part=PARTS).n_splits_ == 4
    renamed = ByPart().set_split_request(part="district")
    assert classifier(cv=renamed).fit(X, y, district=PARTS).n_splits_ == 4


@pytest.mark.parametrize("weights", [None, WEIGHTS, np.arange(150) % 3])
def test_a_scorer_gets_what_it_asks_for(weights, routing):
    good = np.arange(150) % 3 > 0
    noisy, price = cheat(WEIGHTS, good)
    scorer = make_scorer(share_of_price).set_score_request(price=True)
    # Rows of weight zero are left out, integers spell out rows, and all are sorted:
    # the metadata must follow.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SklearnMetaWarning)
        clf = classifier(scoring=scorer, cv=2)
        clf.fit(X, noisy, sample_weight=weights, price=price)
    plain = classifier(scoring="accuracy", cv=2).fit(X, noisy)
    # The labels that are wrong have no price.
    assert clf.best_score_ > plain.best_score_ + 0.1
    expected = share_of_price(noisy, clf.predict(X), price=price)
    assert clf.score(X, noisy, price=price) == pytest.approx(expected)


def test_a_scorer_may_call_the_weights_by_another_name(routing):
    good = np.arange(150) % 3 > 0
    noisy, weights = cheat(WEIGHTS, good)
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight="price")
    clf = classifier(scoring=scorer).fit(X, noisy, price=weights)
    plain = classifier(scoring="accuracy").fit(X, noisy)
    # The candidates are those of the plain run: only the scores are weighted.
    assert clf.best_score_ > plain.best_score_ + 0.1


def test_one_value_for_all_rows_reaches_the_scorer(routing):
    def share(y_true, y_pred, *, unit=1.0):
        return accuracy_score(y_true, y_pred) / unit

    scorer = make_scorer(share).set_score_request(unit=True)
    clf = classifier(scoring=scorer).fit(X, y, unit=100.0)
    assert 0.005 < clf.best_score_ <= 0.01


def test_metadata_that_nobody_asks_for_is_an_error(routing):
    with pytest.raises(TypeError, match=r"unexpected argument.*'part'"):
        classifier().fit(X, y, part=PARTS)
    with pytest.raises(TypeError, match=r"unexpected argument.*'price'"):
        classifier().fit(X, y).score(X, y, price=WEIGHTS)


def test_metadata_that_is_neither_asked_for_nor_refused_is_an_error(routing):
    with pytest.raises(UnsetMetadataPassedError, match="part"):
        classifier(cv=ByPart()).fit(X, y, part=PARTS)


def test_metadata_that_is_refused_does_not_arrive(routing):
    cv = GroupKFold(3).set_split_request(groups=False)
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        classifier(cv=cv).fit(X, y, groups=GROUPS)


@pytest.mark.parametrize("method", ["fit", "score"])
def test_without_routing_there_are_no_other_names(method):
    clf = classifier().fit(X, y)
    with pytest.raises(ValueError, match="enable_metadata_routing=True"):
        getattr(clf, method)(X, y, part=PARTS)


def test_routing_tells_of_the_splitter(routing):
    cv = ByPart().set_split_request(part="district")
    router = classifier(cv=cv).get_metadata_routing()
    assert router.consumes("fit", ["part", "district"]) == {"district"}


def accuracy_per_price(y_true, y_pred, *, price=1.0):
    return accuracy_score(y_true, y_pred) / np.mean(price)


@scorers_request_metadata
def test_metadata_pass_through_a_pipeline_and_a_grid_search(routing):
    scorer = make_scorer(accuracy_per_price).set_score_request(price=True)
    inner = classifier(cv=ByPart().set_split_request(part=True), scoring=scorer)
    price = np.full(150, 100.0)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), inner),
        {"metaautoclassifier__max_evaluations": [1, 2]},
        cv=2,
        error_score="raise",
    ).fit(X, y, part=PARTS, price=price)
    assert search.best_estimator_[-1].n_splits_ == 4
    # Judged by the price outside, inside, and afterwards.
    assert 0.005 < search.best_score_ <= 0.01
    assert 0.005 < search.best_estimator_[-1].best_score_ <= 0.01
    assert 0.005 < search.score(X, y, price=price) <= 0.01
