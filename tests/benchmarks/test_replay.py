import argparse
import json

import numpy as np
import pytest
from sklearn.metrics import log_loss, root_mean_squared_error

from benchmarks.replay._cells import cell_path, write_arrays, write_cell
from benchmarks.replay._choice import choose_pipelines
from benchmarks.replay._compare import interval, log_ratios, parse_settings
from benchmarks.replay._orders import Orders
from benchmarks.replay._simulate import Settings, simulate
from benchmarks.replay._stored import loss, read_table

N, N_TEST, N_FOLDS = 200, 100, 5


def store(folder, rng, noises, seconds=0.1, classifies=False):
    """Store a table and a pipeline for each noise of its predictions."""
    y, y_test = rng.normal(size=N), rng.normal(size=N_TEST)
    fold = np.arange(N) % N_FOLDS
    if classifies:
        y, y_test = (y > 0).astype(int), (y_test > 0).astype(int)
    known = {
        "name": "a",
        "family": "a",
        "task": "classification" if classifies else "regression",
        "n_features": 8,
        "n_classes": 2 * classifies,
        "metafeatures": {"log_rows": 2.3},
    }
    write_arrays(
        folder / "table.npz",
        y=y,
        y_test=y_test,
        fold=fold.astype(np.int8),
        known=np.array(json.dumps(known)),
    )

    def predictions(y, noise):
        values = y + noise * rng.normal(size=len(y))
        if not classifies:
            return values
        p = 1 / (1 + np.exp(-4 * (values - 0.5)))
        return np.column_stack([1 - p, p]).astype(np.float32)

    for text, noise in noises.items():
        write_cell(
            folder,
            text,
            "ok",
            same=text,
            fits=[(seconds, 0.0, -1)] * (N_FOLDS + 1),
            oof=predictions(y, noise),
            test=predictions(y_test, noise),
        )
    return read_table(folder, list(noises))


NOISES = {"bad(X)": 1.0, "good(X)": 0.3, "other(X)": 0.35, "worse(X)": 3.0}


@pytest.fixture(params=[False, True], ids=["regression", "classification"])
def table(request, tmp_path, rng):
    return store(tmp_path, rng, NOISES, classifies=request.param)


def test_losses_are_those_of_scikit_learn(table):
    test = table.cells["good(X)"].test
    expected = (
        log_loss(table.y_test, test / test.sum(axis=1, keepdims=True))
        if table.classifies
        else root_mean_squared_error(table.y_test, test)
    )
    assert loss(table, test, table.y_test) == pytest.approx(expected, rel=1e-5)
    assert table.scale > expected


def test_equal_pipelines_and_failures_are_left_out(tmp_path, rng):
    store(tmp_path, rng, NOISES)
    write_cell(tmp_path, "same(X)", "ok", same="good(X)", fits=[], oof=[0], test=[0])
    write_cell(tmp_path, "slow(X)", "skipped")
    found = read_table(tmp_path, [*NOISES, "same(X)", "slow(X)"])
    assert list(found.cells) == list(NOISES)
    assert read_table(tmp_path, ["unknown(X)"]) is None
    assert cell_path(tmp_path, "unknown(X)") != cell_path(tmp_path, "same(X)")


def test_a_single_model_is_the_best_of_those_that_end_in_time(table):
    # One worker, 0.5 s a candidate: two of them within the 1.5 s that are not reserved.
    settings = Settings(
        budget=2.5, n_workers=1, overhead=0.3, combination="single", racing=False
    )
    outcome = simulate(table, list(NOISES), settings)
    assert outcome.n_evaluations == 3
    assert outcome.members == ("good(X)",)
    expected = loss(table, table.cells["good(X)"].test, table.y_test)
    assert outcome.loss == pytest.approx(expected, rel=0.05)
    first = simulate(table, list(NOISES), Settings(**{**vars(settings), "budget": 1.4}))
    assert first.members == ("bad(X)",)
    nothing = simulate(
        table, list(NOISES), Settings(**{**vars(settings), "budget": 0.5})
    )
    assert nothing.members == () and nothing.loss == table.scale


def test_racing_saves_seconds_and_holdouts_more(table):
    order = ["good(X)", "worse(X)", "bad(X)", "other(X)"]
    seconds = {
        name: simulate(table, order, Settings(n_workers=1, **options)).seconds
        for name, options in {
            "all folds": {"racing": False},
            "racing": {},
            "holdout": {"holdout": True},
        }.items()
    }
    assert seconds["all folds"] == pytest.approx(1.5 + 4 * 0.5)
    assert seconds["holdout"] == pytest.approx(1.5 + 4 * 0.1)
    assert seconds["holdout"] < seconds["racing"] < seconds["all folds"]


def test_a_combination_is_better_than_its_members(table):
    outcome = simulate(table, list(NOISES), Settings())
    assert {"good(X)", "other(X)"} <= set(outcome.members)
    single = simulate(table, list(NOISES), Settings(combination="single"))
    greedy = simulate(table, list(NOISES), Settings(combination="greedy"))
    assert max(outcome.loss, greedy.loss) < single.loss


def test_the_interval_draws_families():
    values = np.array([1.0, 1.0, 1.0, 1.0, -1.0, 0.0])
    alone = interval(values, np.arange(6))
    together = interval(values, [0, 0, 0, 0, 1, 2])
    assert alone[0] < values.mean() < alone[1]
    assert together[1] - together[0] > alone[1] - alone[0]
    assert interval(np.ones(9), np.arange(9)) == pytest.approx([1.0, 1.0])


def test_ratios_ignore_differences_between_tiny_losses():
    ratios = log_ratios(np.array([1e-9, 1.1]), np.array([1e-12, 1.0]), np.ones(2))
    assert abs(ratios[0]) < 1e-5
    assert ratios[1] == pytest.approx(np.log(1.1), rel=0.01)


def test_settings_are_read():
    text, order, settings = parse_settings("order=random2,budget=30,racing=False")
    assert (text, order) == ("order=random2,budget=30,racing=False", "random2")
    assert settings == Settings(budget=30, racing=False)
    assert parse_settings("patient=inf")[2].patient == np.inf
    with pytest.raises(argparse.ArgumentTypeError, match="'race' is no setting"):
        parse_settings("race=1")


def test_orders_do_not_see_the_family(tmp_path, rng):
    table = store(tmp_path, rng, NOISES)
    texts = choose_pipelines("regression", 8)
    assert len(set(texts)) == 8 and not any("maml(" in text for text in texts)
    orders = Orders("regression", texts)
    family = orders.matrix.families[0]
    other = type(table)(**{**vars(table), "family": family})
    assert family not in orders._prepared(family).matrix.families
    for name in ("static", "recall", "random1"):
        assert sorted(orders.order(name, other, 10.0)) == sorted(texts)
    assert orders.order("random1", other, 10.0) != orders.order("random2", other, 10.0)
