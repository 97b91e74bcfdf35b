"""Every strategy passes the common checks."""

from itertools import chain

import pytest

from sklearn_meta.search._bayesian import BayesianSearch
from sklearn_meta.search._evolution import EvolutionarySearch
from sklearn_meta.search._grid import GridSearch
from sklearn_meta.search._portfolio import PortfolioSearch
from sklearn_meta.search._random import RandomSearch
from sklearn_meta.testing import parametrize_with_checks, strategy_checks
from tests.search.problems import small_problem

STRATEGIES = (
    EvolutionarySearch(),
    EvolutionarySearch(
        population_size=3, crossover_rate=0.9, random_rate=0.0, greed=1.0, look_ahead=2
    ),
    EvolutionarySearch(greed=0.0, cost_aversion=0.0),
    GridSearch(),
    GridSearch(resolution=5, n_hyperparameters=1),
    PortfolioSearch(),
    RandomSearch(),
)


@parametrize_with_checks(chain.from_iterable(map(strategy_checks, STRATEGIES)))
def test_common_checks(plugin, check):
    check(plugin)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (RandomSearch(look_ahead=0), "'look_ahead'.*RandomSearch.*Got 0"),
        (GridSearch(look_ahead=0), "'look_ahead'.*GridSearch.*Got 0"),
        (GridSearch(resolution=0), "'resolution'.*Got 0"),
        (GridSearch(n_hyperparameters=0), "'n_hyperparameters'.*Got 0"),
        (PortfolioSearch(look_ahead=0), "'look_ahead'.*PortfolioSearch.*Got 0"),
        (BayesianSearch(look_ahead=0), "'look_ahead'.*BayesianSearch.*Got 0"),
        (BayesianSearch(surrogate="tpe"), "'surrogate'.*Got 'tpe'"),
        (BayesianSearch(kernel="linear"), "'kernel'.*Got 'linear'"),
        (BayesianSearch(nu=2), "'nu'.*Got 2"),
        (BayesianSearch(acquisition="pi"), "'acquisition'.*Got 'pi'"),
        (BayesianSearch(n_initial=-1), "'n_initial'.*Got -1"),
        (BayesianSearch(cost_aversion=-1), "'cost_aversion'.*Got -1"),
        (EvolutionarySearch(look_ahead=0), "'look_ahead'.*EvolutionarySearch.*Got 0"),
        (EvolutionarySearch(population_size=1), "'population_size'.*Got 1"),
        (EvolutionarySearch(crossover_rate=1.5), "'crossover_rate'.*Got 1.5"),
        (EvolutionarySearch(random_rate=-0.1), "'random_rate'.*Got -0.1"),
        (EvolutionarySearch(greed=2), "'greed'.*Got 2"),
        (EvolutionarySearch(cost_aversion=-1), "'cost_aversion'.*Got -1"),
    ],
)
def test_a_bad_parameter_gets_a_clear_error_at_the_start(strategy, message):
    with pytest.raises(ValueError, match=message):
        strategy.start(small_problem())
