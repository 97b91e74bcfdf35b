"""Torch module of an estimator: training rows, chunks and cache."""

import pickle

import pytest
import torch

from sklearn_meta.maml import _table_module
from sklearn_meta.maml._network import NetworkConfig
from sklearn_meta.maml._table_module import TableModule, assign_folds
from tests.maml.networks import TASKS, example, perturbed_network


def make_module(task, n_extra=2):
    context, x, missing = example(task)
    module = TableModule(
        NetworkConfig(task),
        context,
        torch.cat([context.x, x[:n_extra]]),
        torch.cat([context.missing, missing[:n_extra]]),
        torch.cat([context.y, context.y[:n_extra]]),
        torch.ones(len(context.y) + n_extra, dtype=torch.float64),
    )
    module.network.load_state_dict(perturbed_network(task).state_dict())
    return module.requires_grad_(False), x, missing


def test_folds_are_balanced_and_stratified():
    fold = assign_folds(torch.tensor([0] * 7 + [1] * 6), 5)
    counts = torch.bincount(fold, minlength=5)
    assert counts.tolist() == [3, 3, 3, 2, 2]
    assert torch.bincount(fold[:7], minlength=5).min() == 1


@pytest.mark.parametrize("task", TASKS)
def test_further_rows_are_predicted_as_new_rows(task):
    module, x, missing = make_module(task)
    torch.testing.assert_close(
        module(row=torch.tensor([14, 15])), module(x[:2], missing[:2])
    )


@pytest.mark.parametrize("task", TASKS)
def test_context_rows_are_predicted_without_their_fold(task):
    module, *_ = make_module(task)
    row = torch.tensor([3])
    context = module._without_fold(int(module.fold[3]))
    expected = module.network(
        context, module.context_x[row], module.context_missing[row]
    )
    torch.testing.assert_close(module(row=row), expected)


def test_chunks_change_nothing(monkeypatch):
    module, x, missing = make_module("classification")
    expected = module(x, missing)
    monkeypatch.setattr(_table_module, "MAX_ARRAY_ELEMENTS", 1)
    assert module.chunk_rows == 1
    torch.testing.assert_close(module(x, missing), expected)


def test_pickles_do_not_hold_the_cache():
    module, x, missing = make_module("regression")
    expected = module(x, missing)
    size = len(pickle.dumps(module))
    module.clear_cache()
    assert len(pickle.dumps(module)) == size
    torch.testing.assert_close(pickle.loads(pickle.dumps(module))(x, missing), expected)


def test_adapting_the_body_invalidates_the_cache():
    module, x, missing = make_module("regression")
    before = module(x, missing)
    module.requires_grad_(True).train()
    with torch.no_grad():
        module.network.body.log_curve.add_(1.0)
        assert not torch.allclose(module(x, missing), before)
