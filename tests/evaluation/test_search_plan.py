"""A plan chooses rows, folds and limits from the table, the prior and the budget."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.model_selection import KFold, PredefinedSplit, TimeSeriesSplit

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.data._describe import describe_table
from sklearn_meta.data._target import classification_task, regression_task
from sklearn_meta.data._task import EXTRAPOLATION, EXTRAPOLATION_IN_TIME
from sklearn_meta.evaluation._budget import Budget
from sklearn_meta.evaluation._limits import patience
from sklearn_meta.evaluation._records import Candidate, Evaluation, Status
from sklearn_meta.evaluation._replay import Entry, MemoryRecord, NoRecord
from sklearn_meta.evaluation._scoring import make_scoring, perfect_score
from sklearn_meta.evaluation._search_plan import (
    N_FOLDS_TWICE,
    REPEAT_SHARE,
    REPEATABLE_SHARE,
    Plan,
    SearchSettings,
    make_plan,
)
from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.parallel._start_pool import IN_PROCESS_SECONDS
from sklearn_meta.pipelines import Node, X, default_catalog
from sklearn_meta.timing._effort import Effort

N = 40
LIGHT, HEAVY = Node("ridge", (X,)), Node("network", (X,))
NETWORK = SimpleNamespace(name="network", requires=("heavy_package",))
OTHER = SimpleNamespace(name="other", requires=("other_package",))


@dataclass(frozen=True)
class FakeForecast:
    """Predicts these seconds; two operators have heavy packages."""

    budget_seconds: float = 100.0
    seconds: float = 0.01
    of_search: float = 10.0
    score_seconds: float = 0.0

    def fit_seconds(self, tree, n_rows=None):
        return self.seconds

    def effort(self):
        return Effort()

    def search_seconds(self, trees, stages, limits):
        return self.of_search

    def packages(self, trees):
        return ["heavy_package"] if HEAVY in trees else []

    def heavy_operators(self):
        return [NETWORK, OTHER]


def table(y=None, task_of=regression_task, **arguments):
    rng = np.random.default_rng(0)
    y = rng.normal(size=N) if y is None else y
    X = rng.normal(size=(len(y), 2))
    return describe_table(MetaAutoRegressor(), X, y, task_of=task_of, **arguments)


def settings_of(table, **changes):
    task = table.dataset.task
    arguments = {
        "scoring": make_scoring(None, task),
        "cv": None,
        "catalog": default_catalog(task.name),
        "forecast": FakeForecast(),
        "names_operators": False,
        "searches": True,
        "max_evaluations": None,
        "memory_limit": None,
        "n_workers": 2,
        "seed": 3,
    }
    return SearchSettings(**{**arguments, **changes})


def plan_of(described=None, trees=(LIGHT,), forecast=None, **changes) -> Plan:
    described = table() if described is None else described
    forecast = forecast or FakeForecast()
    return make_plan(
        described,
        Prior(portfolio=tuple(map(Proposal, trees))),
        settings_of(described, forecast=forecast, **changes),
        Budget(forecast.budget_seconds, lambda: 0.0),
    )


def test_what_was_set_is_in_the_plan():
    described = table()
    plan = plan_of(described, memory_limit=77, n_workers=5)
    context = plan.context
    assert (context.seed, context.catalog.task) == (3, "regression")
    assert context.scoring == make_scoring(None, described.dataset.task)
    assert (plan.n_workers, plan.first_trees) == (5, (LIGHT,))
    assert plan.search_seconds == 10.0
    limits = plan.limits
    assert (limits.memory_limit, limits.max_evaluations) == (77, None)
    assert limits.patience == patience(N, 2)
    assert limits.perfect_score == perfect_score(context.scoring, context.dataset.y)


def test_rows_are_in_canonical_order_unless_splits_refer_to_them():
    described = table()
    assert described.rows is not None
    for cv in (None, 4):
        assert plan_of(described, cv=cv).context.dataset is described.canonical
    # The splits are made of the rows as they came, and follow them.
    halves = np.arange(N) % 2
    plan = plan_of(described, cv=PredefinedSplit(halves))
    assert plan.context.dataset is described.canonical
    assert plan.context.n_splits == 2
    for half, stage in enumerate(plan.context.stages):
        came_from = described.rows[stage.validation]
        np.testing.assert_array_equal(
            np.sort(came_from), np.flatnonzero(halves == half)
        )


@pytest.mark.parametrize("searches", [True, False])
@pytest.mark.parametrize(
    ("cv", "extrapolation"),
    [
        (None, EXTRAPOLATION),
        (3, EXTRAPOLATION),
        (KFold(3), EXTRAPOLATION),
        (TimeSeriesSplit(3), EXTRAPOLATION_IN_TIME),
        ([(np.arange(30), np.arange(30, N))], EXTRAPOLATION_IN_TIME),
    ],
)
def test_later_rows_may_be_beyond_the_targets(cv, extrapolation, searches):
    plan = plan_of(cv=cv, searches=searches)
    assert plan.context.extrapolation == extrapolation
    assert (plan.context.n_splits > 0) == searches


def test_equal_tables_have_equal_plans_whatever_the_order_of_their_rows():
    rng = np.random.default_rng(0)
    values, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    plans = []
    for rows in (np.arange(N), rng.permutation(N)):
        described = describe_table(
            MetaAutoRegressor(), values[rows], y[rows], task_of=regression_task
        )
        plans.append(plan_of(described))
    first, second = (plan.context for plan in plans)
    np.testing.assert_array_equal(first.dataset.X, second.dataset.X)
    np.testing.assert_array_equal(first.dataset.y, second.dataset.y)
    for ours, theirs in zip(first.stages, second.stages, strict=True):
        np.testing.assert_array_equal(ours.train, theirs.train)


def with_copies(cv=None):
    rng = np.random.default_rng(0)
    rows = np.r_[np.arange(N), np.arange(N // 2)]
    values, y = rng.normal(size=(N, 2)), rng.normal(size=N)
    described = describe_table(
        MetaAutoRegressor(),
        values[rows],
        y[rows],
        task_of=regression_task,
        keeps_rows=cv is not None,
    )
    return described, plan_of(described, cv=cv)


def test_copies_stay_on_one_side_with_a_warning():
    with pytest.warns(SklearnMetaWarning, match="20 of the 60 rows are copies of"):
        _, plan = with_copies()
    dataset = plan.context.dataset
    assert dataset.n_samples == 60
    for stage in plan.context.stages:
        assert not set(dataset.y[stage.train]) & set(dataset.y[stage.validation])


def test_a_splitter_of_the_user_splits_copies_without_a_warning():
    described, plan = with_copies(PredefinedSplit(np.arange(60) % 2))
    for half, stage in enumerate(plan.context.stages):
        np.testing.assert_array_equal(described.rows[stage.validation] % 2, half)


def test_weights_are_no_reason_for_a_warning():
    plan = plan_of(table(sample_weight=1.0 + np.arange(N) % 3))
    dataset = plan.context.dataset
    assert dataset.n_samples == 79
    for stage in plan.context.stages:
        assert not set(dataset.y[stage.train]) & set(dataset.y[stage.validation])


def test_groups_of_the_table_reach_the_splits():
    groups = np.repeat(np.arange(8), 5)
    plan = plan_of(table(groups=groups))
    assert plan.context.n_splits == 5
    for stage in plan.context.stages:
        assert not set(groups[stage.train]) & set(groups[stage.validation])


def test_split_params_reach_the_splitter():
    seen = {}

    class Splitter(KFold):
        def split(self, X, y=None, groups=None, extra=None):
            seen["extra"] = extra
            return super().split(X, y, groups)

    plan_of(cv=Splitter(2), split_params={"extra": 7})
    assert seen == {"extra": 7}


@pytest.mark.parametrize(("factor", "n_splits"), [(0.99, 10), (1.01, 5)])
def test_folds_are_repeated_where_the_portfolio_leaves_the_time(factor, n_splits):
    seconds = factor * REPEAT_SHARE * 100.0 / (2 * N_FOLDS_TWICE)
    plan = plan_of(trees=(LIGHT, LIGHT), forecast=FakeForecast(seconds=seconds))
    assert plan.context.n_splits == n_splits


@pytest.mark.parametrize(
    ("changes", "of_search", "repeatable"),
    [
        ({}, 100.0 * REPEATABLE_SHARE, True),
        ({}, 101.0 * REPEATABLE_SHARE, False),
        ({"max_evaluations": 9}, 100.0, True),
        ({"searches": False}, 0.0, False),
    ],
)
def test_searches_that_end_early_are_repeatable(changes, of_search, repeatable):
    plan = plan_of(forecast=FakeForecast(of_search=of_search), **changes)
    assert plan.limits.repeatable == repeatable


def test_without_a_search_there_are_no_folds():
    plan = plan_of(searches=False)
    assert plan.context.stages == () and plan.search_seconds == np.inf
    without_limit = plan_of(searches=False, forecast=FakeForecast(np.inf))
    assert not without_limit.limits.repeatable


@pytest.mark.parametrize(
    ("trees", "names_operators", "left_out"),
    [
        ((LIGHT,), False, {"network", "other"}),
        ((LIGHT, HEAVY), False, {"other"}),
        ((LIGHT,), True, set()),
    ],
)
def test_heavy_packages_are_loaded_only_for_a_reason(trees, names_operators, left_out):
    plan = plan_of(trees=trees, names_operators=names_operators)
    assert plan.left_out == left_out


def test_packages_are_those_of_a_candidate():
    plan = plan_of()

    def packages(tree):
        candidate = Candidate(tree, "", "")
        return plan.packages(Evaluation(0, candidate, Status.OK))

    assert packages(HEAVY) == ["heavy_package"] and packages(LIGHT) == []


@pytest.mark.parametrize(
    ("seconds", "names_operators", "recallable"),
    [
        (0.99 * IN_PROCESS_SECONDS, False, False),
        (IN_PROCESS_SECONDS, False, True),
        (0.99 * IN_PROCESS_SECONDS, True, True),
    ],
)
def test_a_search_of_few_seconds_recalls_nothing_heavy(
    seconds, names_operators, recallable
):
    class Forecast(FakeForecast):
        def heavy_operators(self):
            return [settings.catalog.find("ridge")]

    settings = settings_of(
        table(), names_operators=names_operators, forecast=Forecast(seconds)
    )
    catalog = settings.recallable()
    assert catalog.task == "regression"
    assert (catalog.find("ridge") is not None) == recallable
    assert catalog.find("lasso" if catalog.find("lasso") else "lightgbm") is not None


def test_more_of_the_same_search_has_other_limits_only():
    plan = plan_of(max_evaluations=5)
    described = table()
    settings = settings_of(described, max_evaluations=9, n_workers=7)
    budget = Budget(50.0, lambda: 20.0)
    more = plan.continued(settings, budget, NoRecord())
    assert more.context is plan.context and more.first_trees is plan.first_trees
    assert (more.budget, more.forecast.budget_seconds) == (budget, 50.0)
    assert (more.limits.max_evaluations, more.n_workers) == (9, 7)


@pytest.mark.parametrize(
    ("before", "after", "repeatable"),
    [(5, None, True), (None, 5, True), (None, None, False)],
)
def test_what_was_repeatable_stays_so(before, after, repeatable):
    long = FakeForecast(of_search=100.0)
    plan = plan_of(forecast=long, max_evaluations=before)
    settings = settings_of(table(), max_evaluations=after)
    budget = Budget(50.0, lambda: 0.0)
    more = plan.continued(settings, budget, NoRecord())
    assert more.limits.repeatable == repeatable
    # In the plan that is made again for a search that was repeatable in between.
    in_order = MemoryRecord([Entry(0, "c0", 2), Entry(1, "c1", None)])
    assert plan.continued(settings, budget, in_order).limits.repeatable


def test_evaluations_of_earlier_fits_are_extra_in_memory():
    settings = settings_of(table(), max_evaluations=5)
    record = MemoryRecord([Entry(0, "c0", 2), Entry(1, "c1", 3)])
    more = plan_of().continued(settings, Budget(50.0, lambda: 0.0), record)
    assert more.limits.max_evaluations == 7


def test_classes_are_stratified():
    y = np.repeat([0, 1], [30, 10])
    plan = plan_of(table(y, classification_task), cv=5)
    dataset = plan.context.dataset
    assert all(dataset.y[s.validation].sum() == 2 for s in plan.context.stages)
