"""After the workers were lost, only what is known to be safe runs in this process."""

from types import SimpleNamespace

import pytest

from sklearn_meta.evaluation._places import may_evaluate, may_fit
from sklearn_meta.parallel._pool import Place
from sklearn_meta.pipelines import (
    Catalog,
    Cost,
    Node,
    Operator,
    X,
    default_catalog,
)
from sklearn_meta.timing._forecast import make_forecast


def operator(name, kind="learner"):
    return Operator(
        name=name, kind=kind, path=f"mine.{name}", tasks=("regression",), cost=Cost(1)
    )


def forecast_of(*names, scorer=False):
    builtin = [o for o in DEFAULT if o.name in names]
    mine = [operator(n) for n in names if n not in {o.name for o in builtin}]
    dataset = SimpleNamespace(n_samples=100)
    return make_forecast(
        dataset, Catalog([*builtin, *mine], "regression"), 10.0, foreign_scorer=scorer
    )


DEFAULT = default_catalog("regression")
RIDGE, MINE = Node("ridge", (X,)), Node("mine", (X,))


@pytest.mark.parametrize("place", [Place.WORKER, Place.IN_PROCESS])
def test_where_there_are_workers_or_none_by_design_everything_may_evaluate(place):
    assert may_evaluate(forecast_of("ridge", "mine", scorer=True), MINE, place)


@pytest.mark.parametrize("place", [Place.STARTING, Place.LOST])
def test_code_of_the_user_waits_for_workers_and_may_be_what_they_died_of(place):
    forecast = forecast_of("ridge", "mine")
    assert may_evaluate(forecast, RIDGE, place)
    assert not may_evaluate(forecast, MINE, place)
    assert not may_evaluate(forecast_of("mine"), MINE, place)
    assert not may_evaluate(forecast_of("ridge", scorer=True), RIDGE, place)


def test_without_workers_from_the_start_something_must_run():
    place = Place.NOT_STARTED
    forecast = forecast_of("ridge", "mine")
    assert may_evaluate(forecast, RIDGE, place) and not may_evaluate(
        forecast, MINE, place
    )
    # There is nothing else.
    assert may_evaluate(forecast_of("mine"), MINE, place)
    # It was tried in this process before the search.
    assert may_evaluate(forecast_of("ridge", scorer=True), RIDGE, place)


@pytest.mark.parametrize("place", Place)
def test_a_fit_does_not_call_the_scorer(place):
    forecast = forecast_of("ridge", "mine", scorer=True)
    assert may_fit(forecast, RIDGE, place)
    assert may_fit(forecast, MINE, place) == (place in (Place.WORKER, Place.IN_PROCESS))
