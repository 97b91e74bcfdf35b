"""Context rows: targets as columns, and stratified folds."""

import torch

from sklearn_meta.maml._context import (
    fold_order,
    target_mask,
    target_matrix,
)
from tests.maml.networks import example


def test_classes_are_one_hot_and_padded_rows_zero():
    context, *_ = example("classification", n=6)
    y = torch.tensor([0, 1, 2, 2, 1, 0])
    weight = torch.tensor([1.0, 2.0, 1.0, 1.0, 1.0, 0.0]).double()
    context = context._replace(y=y, weight=weight)
    expected = torch.nn.functional.one_hot(y, 3).double()
    expected[5] = 0.0
    assert torch.equal(target_matrix(context, "classification"), expected)
    assert target_mask(context, "classification").tolist() == [True] * 3


def test_a_regression_has_one_target_column():
    context, *_ = example("regression", n=6)
    assert torch.equal(target_matrix(context, "regression")[:, 0], context.y)
    assert target_mask(context, "regression").tolist() == [True]


def test_rows_are_dealt_by_target_and_padding_comes_last():
    y = torch.tensor([5.0, 1.0, 3.0, 2.0, 4.0, -9.0])
    weight = torch.tensor([1.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    order = fold_order(y, weight, 2)
    assert order.tolist() == [[1, 2, 0], [3, 4, 5]]
