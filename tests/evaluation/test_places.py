"""After the workers were lost, only what is known to be safe runs in this process."""

from types import SimpleNamespace

import pytest

from sklearn_meta.evaluation._places import may_run
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


@pytest.mark.parametrize("place", [Place.WORKER, Place.STARTING, Place.IN_PROCESS])
def test_where_there_are_workers_or_none_by_design_everything_may_run(place):
    assert may_run(forecast_of("ridge", "mine", scorer=True), MINE, place)


def test_lost_workers_may_have_died_of_any_code_of_the_user():
    forecast = forecast_of("ridge", "mine")
    assert may_run(forecast, RIDGE, Place.LOST)
    assert not may_run(forecast, MINE, Place.LOST)
    assert not may_run(forecast_of("mine"), MINE, Place.LOST)
    assert not may_run(forecast_of("ridge", scorer=True), RIDGE, Place.LOST)


def test_without_workers_from_the_start_something_must_run():
    place = Place.NOT_STARTED
    forecast = forecast_of("ridge", "mine")
    assert may_run(forecast, RIDGE, place) and not may_run(forecast, MINE, place)
    # There is nothing else.
    assert may_run(forecast_of("mine"), MINE, place)
    # It was tried in this process before the search.
    assert may_run(forecast_of("ridge", scorer=True), RIDGE, place)
