"""Body of the network: fits base predictors to a context and encodes rows to predict.

The base predictors are fitted once to a context and applied to any number of rows.
Small networks over summaries of columns and table give the column gates and the scales
of the kernels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.maml import _base_predictors as bases
from sklearn_meta.maml._calibration import ScaleOfLogits, SlopeOfPredictions
from sklearn_meta.maml._column_statistics import (
    N_SUMMARIES,
    N_TABLE_NUMBERS,
    ColumnStatistics,
    column_statistics,
    column_summaries,
    linear_relevance,
    table_summaries,
)
from sklearn_meta.maml._context import Context, target_mask, target_matrix

N_TABLE = N_TABLE_NUMBERS + 2 * N_SUMMARIES
_N_CELL_INPUTS = 8

# Initial values of the learned scales: noise of the four kernels, then inverse widths
# of Laplace kernel, Gaussian kernel and nearest neighbors.
_SCALES = (0.1, 0.3, 0.3, 0.2, 2.0, 1.0, 8.0)

# Initial scales of the scores of the base predictors.
_LOGIT_SCALE = {
    **dict.fromkeys(bases.KERNELS, 4.0),
    "naive_bayes": 0.5,
    "curves": 0.7,
    "neighbors": 1.0,
}
# Base predictors whose scores do not include the class prior.
_NEEDS_PRIOR = ("naive_bayes", "curves")

# Initial slopes for regression. Averaging over columns shrinks predictions, hence 2.
_SLOPE = {**dict.fromkeys(bases.KERNELS, 1.0), "curves": 2.0, "neighbors": 1.0}


class FittedContext(NamedTuple):
    """Base predictors fitted to a context.

    Parameters
    ----------
    context : Context
    Y : Tensor of shape (n, T)
        Targets as columns.
    statistics : ColumnStatistics
    summaries : Tensor of shape (d, `N_SUMMARIES`)
        Column summaries.
    shares : Tensor of shape (d, G)
        Gates of the columns, normalized to sum 1 over columns.
    scales : Scales
    alpha : Tensor of shape (`N_KERNELS`, n, T)
        Coefficients of the ridge regressions.
    base : Tensor of shape (T,)
        Prediction without features: class prior, or 0.
    slope : Tensor of shape (K,)
        Factors of the scores of the base predictors.
    losses : Tensor of shape (K,)
        Left-out losses of the base predictors: log loss minus that of the class prior,
        or the logarithm of the mean squared error.
    table : Tensor of shape (`N_TABLE`,)
        Table summaries.
    """

    context: Context
    Y: Tensor
    statistics: ColumnStatistics
    summaries: Tensor
    shares: Tensor
    scales: bases.Scales
    alpha: Tensor
    base: Tensor
    slope: Tensor
    losses: Tensor
    table: Tensor


class EncodedRows(NamedTuple):
    """Input of the head: base predictions and features of rows to predict.

    Parameters
    ----------
    predictions : Tensor of shape (m, K, T)
        Logits or targets of the base predictors.
    features : Tensor of shape (m, T, F)
    losses : Tensor of shape (K,)
        Left-out losses, see `FittedContext`.
    n_rows : Tensor of shape ()
        Sum of the weights of the context.
    mask : Tensor of shape (T,), bool
        False for padded target columns.
    """

    predictions: Tensor
    features: Tensor
    losses: Tensor
    n_rows: Tensor
    mask: Tensor


def base_predictors(task):
    """Return the names of the base predictors, in the order of their arrays."""
    return tuple(_LOGIT_SCALE if task == CLASSIFICATION else _SLOPE)


def n_features(config):
    """Return the number of features of each row and target column."""
    K = len(base_predictors(config.task))
    return 2 * K + config.cell_width + N_TABLE + 2 * config.n_neighbors + 2


def dense_layers(*widths):
    """Return linear layers with LayerNorm and GELU between; the last is zero."""
    layers = []
    for n_in, n_out in zip(widths[:-2], widths[1:-1], strict=True):
        layers += [nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.GELU()]
    last = nn.Linear(widths[-2], widths[-1])
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class Body(nn.Module):
    """Base predictors with learned column gates and scales.

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.classification = config.task == CLASSIFICATION
        width = config.width
        self.gates = dense_layers(N_SUMMARIES + N_TABLE, width, len(bases.GATES))
        self.scales = dense_layers(N_TABLE, width, len(_SCALES))
        self.log_scales = nn.Parameter(torch.tensor(_SCALES).log())
        self.log_curve = nn.Parameter(torch.tensor(0.0))
        self.log_prior = nn.Parameter(torch.tensor(0.0))
        # A single layer: the first layer of the head follows the average over columns.
        self.cells = nn.Sequential(
            nn.Linear(_N_CELL_INPUTS, config.cell_width), nn.GELU()
        )
        if self.classification:
            self.calibration = ScaleOfLogits(
                list(_LOGIT_SCALE.values()),
                [float(name in _NEEDS_PRIOR) for name in _LOGIT_SCALE],
            )
        else:
            self.calibration = SlopeOfPredictions(list(_SLOPE.values()))

    def forward(self, context, x, missing):
        """Fit the context and encode rows."""
        return self.encode(self.fit_context(context), x, missing)

    def fit_context(self, context):
        """Fit the base predictors to a context."""
        task = self.config.task
        Y = target_matrix(context, task)
        mask = target_mask(context, task).to(Y.dtype)
        statistics = column_statistics(context, Y)
        n = len(context.y)
        others = 1.0 - torch.eye(n, dtype=Y.dtype, device=Y.device)
        base, base_left_out = self._base(Y, context.weight, mask)

        prior = torch.exp(self.log_prior)
        differences = bases.absolute_differences(context.x, context.x)
        curves = torch.exp(-torch.exp(self.log_curve) * differences)
        curve_left_out = bases.column_curves(
            curves * others[..., None], Y, statistics.present, base_left_out, prior
        )
        relevance = linear_relevance(context, Y, statistics, self.classification)
        summaries = column_summaries(
            context,
            statistics,
            relevance,
            _curve_relevance(context, Y, curve_left_out, base_left_out),
            mask.sum() if self.classification else mask.sum() + 1.0,
        )
        table = table_summaries(
            context, base if self.classification else mask, summaries
        )
        shares = self._column_shares(summaries, table, context.column_mask)
        scales = self._scales(table, prior)

        distances = differences @ shares[:, bases.GATES.index("neighbors")]
        laplace = differences @ shares[:, 2]
        K = bases.kernels(context.x, context.x, laplace, curves, shares, scales)
        alpha, left_out = bases.ridge(
            K, self._centered(Y, context, mask), context.weight, scales.noise
        )
        fitted = FittedContext(
            context, Y, statistics, summaries, shares, scales, alpha, base,
            None, None, table,
        )  # fmt: skip
        moments = (
            (
                statistics.s0 - Y[:, :, None] * statistics.present[:, None],
                statistics.s1
                - Y[:, :, None] * (statistics.present * context.x)[:, None],
                statistics.s2
                - Y[:, :, None] * (statistics.present * context.x**2)[:, None],
            )
            if self.classification
            else None
        )
        own_present = (~context.missing).to(Y.dtype)
        scores = self._scores(
            fitted,
            left_out,
            self._cell_evidence(fitted, context.x, own_present, moments),
            self._curve_evidence(curve_left_out, base_left_out, own_present),
            distances + bases.FAR_DISTANCE * (1.0 - others),
            base_left_out,
        )
        if self.classification:
            slope, losses = self.calibration(
                scores, torch.log(base_left_out), Y, context.weight, mask > 0
            )
            entropy = -(Y * torch.log(base_left_out) * context.weight[:, None]).sum()
            losses = losses - entropy / context.weight.sum()
        else:
            slope, losses = self.calibration(scores[..., 0], Y, context.weight)
        return fitted._replace(slope=slope, losses=losses)

    def encode(self, fitted, x, missing):
        """Apply fitted base predictors to rows `x` and `missing` of shape (m, d)."""
        context, Y, shares = fitted.context, fitted.Y, fitted.shares
        mask = target_mask(context, self.config.task)
        present = (~missing).to(Y.dtype)
        differences = bases.absolute_differences(x, context.x)
        curves = torch.exp(-fitted.scales.curve * differences)
        distances = differences @ shares[:, bases.GATES.index("neighbors")]
        K = bases.kernels(
            x, context.x, differences @ shares[:, 2], curves, shares, fitted.scales
        )
        ridge = (K + 1.0) @ fitted.alpha
        by_column = bases.column_curves(
            curves, Y, fitted.statistics.present, fitted.base, fitted.scales.prior
        )
        evidence = self._cell_evidence(
            fitted,
            x,
            present,
            (fitted.statistics.s0, fitted.statistics.s1, fitted.statistics.s2),
        )
        curve = self._curve_evidence(by_column, fitted.base[None], present)
        scores = self._scores(fitted, ridge, evidence, curve, distances, fitted.base)
        if self.classification:
            predictions = self.calibration.logits(
                scores, fitted.slope, torch.log(fitted.base)
            )
            exists = mask.to(Y.dtype)
            center = (predictions * exists).sum(-1, keepdim=True) / exists.sum()
            predictions = (predictions - center) * exists
        else:
            predictions = fitted.slope[:, None] * scores
        features = torch.cat(
            [
                predictions.transpose(1, 2),
                self._cells(fitted, x, present, evidence, curve),
                self._neighbor_features(fitted, distances),
                _broadcast(fitted.losses, predictions),
                _broadcast(fitted.table, predictions),
                _class_numbers(fitted, predictions),
            ],
            dim=-1,
        )
        return EncodedRows(
            predictions, features, fitted.losses, context.weight.sum(), mask
        )

    def _base(self, Y, weight, mask):
        """Return the prediction without features, and its leave-one-out version."""
        if not self.classification:
            return torch.zeros_like(mask), torch.zeros_like(Y)
        weighted = weight[:, None] * Y
        counts = weighted.sum(0)
        start = 0.5 * mask + 1e-8
        every = (counts + start) / (counts + start).sum()
        left_out = counts - weighted + start
        return every, left_out / left_out.sum(1, keepdim=True)

    def _centered(self, Y, context, mask):
        """Return targets of the ridge regressions: centered indicators of classes."""
        if not self.classification:
            return Y
        return (Y - mask / mask.sum()) * (context.weight > 0)[:, None] * mask

    def _column_shares(self, summaries, table, column_mask):
        """Return the normalized gates of the columns, (d, G)."""
        inputs = torch.cat([summaries, table.expand(len(summaries), -1)], 1)
        gates = torch.exp(3.0 * torch.tanh(self.gates(inputs) / 3.0))
        return bases.share_of_gates(gates, column_mask)

    def _scales(self, table, prior):
        """Return the hyperparameters of the base predictors."""
        scales = torch.exp(self.log_scales + 3.0 * torch.tanh(self.scales(table) / 3.0))
        return bases.Scales(
            noise=scales[: bases.N_KERNELS],
            laplace=scales[4],
            gaussian=scales[5],
            neighbors=scales[6],
            curve=torch.exp(self.log_curve),
            prior=prior,
        )

    def _cell_evidence(self, fitted, x, present, moments):
        """Return the naive Bayes log-likelihood ratio of each cell, (rows, C, d)."""
        if not self.classification:
            return None
        return bases.class_evidence(
            x,
            present,
            *moments,
            fitted.statistics,
            fitted.scales.prior,
            fitted.context.class_mask,
        )

    def _curve_evidence(self, predicted, base, present):
        """Return the prediction of each column curve, as log ratios for classes."""
        if self.classification:
            predicted = torch.log(predicted + 1e-4) - torch.log(base + 1e-4)[..., None]
        return predicted * present[:, None, :]

    def _scores(self, fitted, ridge, evidence, curve, distances, base):
        """Return the uncalibrated scores of all base predictors, (rows, K, T)."""
        shares, context = fitted.shares, fitted.context
        index = bases.GATES.index
        near = bases.neighbors(
            distances,
            fitted.Y,
            context.weight,
            base,
            fitted.scales.neighbors,
            fitted.scales.prior,
        )
        curves = curve @ shares[:, index("curves")]
        if not self.classification:
            return torch.stack([*ridge, curves, near], 1)
        n_columns = context.column_mask.sum()
        return torch.stack(
            [
                *ridge,
                n_columns * (evidence @ shares[:, index("naive_bayes")]),
                n_columns * curves,
                torch.log(near + 1e-6),
            ],
            1,
        )

    def _cells(self, fitted, x, present, evidence, curve):
        """Return the embedded cells of each row, averaged over columns by gates."""
        statistics = fitted.statistics
        z = (x - statistics.mean) / torch.sqrt(statistics.variance + 1e-2)
        if self.classification:
            center = statistics.s1 / (statistics.s0 + 1.0)
            slope = (center - statistics.mean) / (statistics.variance + 1e-2).sqrt()
            own = [
                evidence / 2.0,
                curve,
                z[:, None, :] * slope.clamp(-3, 3),
                torch.log1p(statistics.s0).expand_as(curve) / 2.0,
            ]
        else:
            covariance = statistics.s1 - statistics.s0 * statistics.mean
            slope = covariance / statistics.present.sum(0).clamp(min=1.0)
            own = [
                2.0 * curve,
                z[:, None, :] * slope,
                z[:, None, :],
                z[:, None, :] ** 2 - 1.0,
            ]
        shared = [present[:, None, :], *fitted.summaries.T[:3]]
        inputs = torch.stack([part.expand_as(curve) for part in (*own, *shared)], -1)
        share = fitted.shares[:, bases.GATES.index("cells")]
        return (self.cells(inputs) * share[:, None]).sum(-2)

    def _neighbor_features(self, fitted, distances):
        """Return distances to the nearest rows (per class) and their targets."""
        # The neighborhood embedding of H.-J. Ye et al., "Rethinking Pre-Training in
        # Tabular Data", arXiv 2311.00055, 2023: its length depends neither on the
        # number of columns nor on that of classes.
        k = self.config.n_neighbors
        context = fitted.context
        distances = torch.where(context.weight > 0, distances, bases.FAR_DISTANCE)
        short = max(0, k - distances.shape[1])
        distances = nn.functional.pad(distances, (0, short), value=bases.FAR_DISTANCE)
        nearest, rows = torch.topk(distances, k, dim=1, largest=False)
        if self.classification:
            far = bases.FAR_DISTANCE * (1.0 - fitted.Y.T)
            far = nn.functional.pad(far, (0, short), value=bases.FAR_DISTANCE)
            own = torch.topk(distances[:, None] + far, k, dim=-1, largest=False)[0]
            own = own.clamp(max=4.0)
            overall = nearest.clamp(max=4.0)[:, None, :].expand_as(own)
            return torch.cat([own - overall, overall], -1)
        y = nn.functional.pad(fitted.Y[:, 0], (0, short))
        profile = torch.cat([nearest.clamp(max=4.0), y[rows]], 1)
        return profile[:, None, :]


def _curve_relevance(context, Y, predicted, base):
    """Return the share of the target that left-out column curves explain, (d,)."""
    w = context.weight[:, None]
    real = (w > 0).to(Y.dtype)
    error = (w[..., None] * (Y[..., None] - predicted * real[..., None]) ** 2).sum(
        (0, 1)
    )
    total = (w * (Y - base * real) ** 2).sum()
    return (1.0 - error / (total + 1e-3)).clamp(-1.0, 1.0)


def _broadcast(numbers, predictions):
    """Repeat numbers of the table for each row and target column."""
    m, _, T = predictions.shape
    return numbers.expand(m, T, -1)


def _class_numbers(fitted, predictions):
    """Return logarithms of the prior and the number of rows of each class."""
    counts = (fitted.context.weight[:, None] * fitted.Y).sum(0).clamp(min=0.0)
    numbers = torch.stack([torch.log(fitted.base + 1e-3), torch.log1p(counts)], -1)
    return numbers.expand(len(predictions), -1, -1) / 2.0
