"""Summaries of columns and table."""

import numpy as np
import pytest
import torch

from sklearn_meta.maml._column_statistics import (
    N_SUMMARIES,
    N_TABLE_NUMBERS,
    column_statistics,
    column_summaries,
    linear_relevance,
    table_summaries,
)
from sklearn_meta.maml._context import target_matrix
from tests.maml.networks import TASKS, example


def statistics_of(task, **changes):
    context, *_ = example(task, n=40)
    context = context._replace(missing=torch.zeros_like(context.missing), **changes)
    Y = target_matrix(context, task)
    return context, Y, column_statistics(context, Y)


def test_moments_are_those_of_numpy():
    context, _, statistics = statistics_of("classification")
    x, y = context.x.numpy(), context.y.numpy()
    np.testing.assert_allclose(statistics.mean, x.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(statistics.variance, x.var(axis=0), atol=1e-6)
    for code in range(3):
        np.testing.assert_allclose(statistics.s0[code], (y == code).sum())
        np.testing.assert_allclose(statistics.s1[code], x[y == code].sum(axis=0))
        np.testing.assert_allclose(statistics.s2[code], (x[y == code] ** 2).sum(axis=0))


def test_missing_cells_do_not_count():
    context, *_ = example("regression", n=40)
    present = column_statistics(context, target_matrix(context, "regression")).present
    assert torch.equal(present == 0, context.missing)


def test_relevance_is_the_squared_correlation():
    context, Y, statistics = statistics_of("regression")
    relevance = linear_relevance(context, Y, statistics, classification=False)
    expected = [np.corrcoef(column, context.y)[0, 1] ** 2 for column in context.x.T]
    np.testing.assert_allclose(relevance, expected, atol=0.01)


@pytest.mark.parametrize("task", TASKS)
def test_summaries_are_zero_in_padded_columns(task):
    mask = torch.tensor([True, True, False, True])
    context, Y, statistics = statistics_of(task, column_mask=mask)
    relevance = linear_relevance(context, Y, statistics, task == "classification")
    summaries = column_summaries(
        context, statistics, relevance, relevance, torch.tensor(3.0)
    )
    assert summaries.shape == (4, N_SUMMARIES)
    assert not summaries[2].any()
    table = table_summaries(context, torch.full((3,), 1 / 3), summaries)
    assert table.shape == (N_TABLE_NUMBERS + 2 * N_SUMMARIES,)
    assert torch.isfinite(table).all()
