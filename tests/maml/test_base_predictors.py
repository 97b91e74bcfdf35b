"""Base predictors: closed forms against refits and plain sums."""

import numpy as np
import pytest
import torch

from sklearn_meta.maml import _base_predictors as bases


def test_ridge_left_out_predictions_are_those_of_refits():
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.normal(size=(9, 2)))
    Y = torch.tensor(rng.normal(size=(9, 2)))
    weight = torch.tensor(rng.uniform(0.5, 2.0, size=9))
    noise = torch.tensor([0.3, 0.1, 0.5, 1.0], dtype=torch.float64)
    K = torch.stack([torch.exp(-s * torch.cdist(x, x)) for s in (0.5, 1.0, 2.0, 4.0)])
    _, left_out = bases.ridge(K, Y, weight, noise)
    for i in range(9):
        keep = torch.arange(9) != i
        for k in range(4):
            A = K[k][keep][:, keep] + 1.0 + torch.diag(noise[k] / weight[keep])
            expected = (K[k][i, keep] + 1.0) @ torch.linalg.solve(A, Y[keep])
            torch.testing.assert_close(left_out[k, i], expected)


def test_column_curves_are_weighted_means():
    rng = np.random.default_rng(0)
    curves = torch.tensor(rng.uniform(size=(3, 6, 2)))
    Y = torch.tensor(rng.normal(size=(6, 1)))
    present = torch.tensor(rng.integers(0, 2, size=(6, 2)).astype(float))
    got = bases.column_curves(curves, Y, present, torch.tensor([0.7]), 2.0)
    for row in range(3):
        for column in range(2):
            w = (curves[row, :, column] * present[:, column]).numpy()
            expected = (w @ Y[:, 0].numpy() + 2.0 * 0.7) / (w.sum() + 2.0)
            assert float(got[row, 0, column]) == pytest.approx(expected)


def test_kernels_are_those_of_the_formulas():
    rng = np.random.default_rng(0)
    x, other = (torch.tensor(rng.normal(size=(n, 3))) for n in (4, 5))
    gates = torch.tensor(rng.uniform(0.5, 2.0, size=(3, len(bases.GATES))))
    shares = bases.share_of_gates(gates, torch.tensor([True, True, False]))
    torch.testing.assert_close(
        shares.sum(0), torch.ones_like(shares[0]), atol=1e-5, rtol=0
    )
    assert not shares[2].any()
    differences = bases.absolute_differences(x, other)
    scales = bases.Scales(None, 0.7, 0.4, None, 1.0, None)
    linear, additive, laplace, gaussian = bases.kernels(
        x, other, differences @ shares[:, 2], torch.exp(-differences), shares, scales
    )
    torch.testing.assert_close(
        linear, torch.einsum("id,jd,d->ij", x, other, shares[:, 0])
    )
    torch.testing.assert_close(additive, torch.exp(-differences) @ shares[:, 1])
    torch.testing.assert_close(laplace, torch.exp(-0.7 * (differences @ shares[:, 2])))
    torch.testing.assert_close(
        gaussian, torch.exp(-0.4 * (differences**2 @ shares[:, 3]))
    )


def test_neighbors_far_away_are_not_used():
    distances = torch.tensor([[bases.FAR_DISTANCE, 1.0, 1.0, 5.0]], dtype=torch.float64)
    Y = torch.tensor([[100.0], [1.0], [3.0], [7.0]], dtype=torch.float64)
    weight = torch.ones(4, dtype=torch.float64)
    got = bases.neighbors(distances, Y, weight, torch.zeros(1), 50.0, 1e-9)
    assert float(got) == pytest.approx(2.0)


def test_missing_cells_are_no_evidence():
    from sklearn_meta.maml._column_statistics import ColumnStatistics

    x = torch.tensor([[3.0, 3.0]], dtype=torch.float64)
    present = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    moments = torch.tensor([[4.0], [4.0]]).expand(2, 2).double()
    means = torch.tensor([[-1.0], [1.0]]).expand(2, 2).double()
    statistics = ColumnStatistics(None, torch.zeros(2), torch.ones(2), *[None] * 3)
    evidence = bases.class_evidence(
        x, present, moments, 4 * means, 8 * moments / 4, statistics, 1.0,
        torch.tensor([True, True]),
    )  # fmt: skip
    assert evidence[0, 1, 0] > 0 > evidence[0, 0, 0]
    assert not evidence[..., 1].any()
