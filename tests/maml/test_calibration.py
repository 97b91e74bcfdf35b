"""Calibration of base predictors."""

import numpy as np
import pytest
import torch

from sklearn_meta.maml._calibration import (
    ScaleOfLogits,
    SlopeOfPredictions,
    log_probabilities,
)


def test_padded_classes_have_no_probability():
    logits = torch.tensor([[1.0, 2.0, 50.0]])
    p = log_probabilities(logits, torch.tensor([True, True, False])).exp()
    assert float(p[0, 2]) == 0.0
    assert float(p.sum()) == pytest.approx(1.0)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_scales_of_scores_are_found(sharpness):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(3000, 3))
    p = torch.softmax(torch.tensor(logits), 1).numpy().cumsum(axis=1)
    codes = (rng.random((3000, 1)) > p).sum(axis=1)
    scores = torch.tensor(logits / sharpness)[:, None]
    mask, weight = torch.ones(3, dtype=torch.bool), torch.ones(3000).double()
    shares = torch.full((3000, 3), 1 / 3).double().log()
    module = ScaleOfLogits([1.0], [0.0]).double().requires_grad_(False)
    Y = torch.nn.functional.one_hot(torch.tensor(codes), 3).double()
    scale, loss = module(scores, shares, Y, weight, mask)
    assert float(scale) == pytest.approx(sharpness, rel=0.1)
    said = log_probabilities(module.logits(scores, scale, shares[0])[:, 0], mask)
    assert float(loss) == pytest.approx(float(-(said * Y).sum(1).mean()))


def test_a_slope_is_the_least_squares_one_with_many_rows():
    rng = np.random.default_rng(0)
    predicted = torch.tensor(rng.normal(size=(2000, 1)))
    y = 1.7 * predicted + 0.1 * torch.tensor(rng.normal(size=(2000, 1)))
    module = SlopeOfPredictions([1.0]).double().requires_grad_(False)
    slope, loss = module(predicted, y, torch.ones(2000).double())
    assert float(slope) == pytest.approx(1.7, abs=0.02)
    assert float(loss) == pytest.approx(np.log(0.01 + 1e-3), abs=0.1)
    # Without rows of weight, the initial slope remains.
    none = torch.full((2000,), 1e-12).double()
    assert float(module(predicted, y, none)[0]) == pytest.approx(1.0, abs=1e-4)
