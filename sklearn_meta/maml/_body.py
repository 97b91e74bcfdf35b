"""The body of the network: reads a table, and encodes rows to predict.

Reading fits the base predictors to the context, once; encoding applies them to any
number of rows. Column gates and scales of kernels come from small networks over
summaries that mean the same on every table.
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
    describe_table,
    linear_relevance,
    summarize,
)
from sklearn_meta.maml._context import Context, target_mask, target_matrix

N_TABLE = N_TABLE_NUMBERS + 2 * N_SUMMARIES
_N_CELL_INPUTS = 8

# Where the learned part of the scales starts from: noise of the four kernels, then
# inverse widths of Laplace kernel, Gaussian kernel and neighbors.
_SCALES = (0.1, 0.3, 0.3, 0.2, 2.0, 1.0, 8.0)

# Typical scale of the scores, and whether class shares are still missing in them.
_LOGIT_SCALE = {
    **dict.fromkeys(bases.KERNELS, 4.0),
    "naive_bayes": 0.5,
    "curves": 0.7,
    "neighbors": 1.0,
}
_NEEDS_SHARES = ("naive_bayes", "curves")

# Slopes before any row: an average over columns is flatter than the target.
_SLOPE = {**dict.fromkeys(bases.KERNELS, 1.0), "curves": 2.0, "neighbors": 1.0}


class Reading(NamedTuple):
    """What the body knows of a table: everything that prediction needs.

    Parameters
    ----------
    context : Context
    Y : Tensor of shape (n, T)
    statistics : ColumnStatistics
    summaries : Tensor of shape (d, `N_SUMMARIES`)
    shares : Tensor of shape (d, G)
        Gates of the columns, summing to 1.
    scales : Scales
    alpha : Tensor of shape (`N_KERNELS`, n, T)
        Coefficients of the ridge regressions.
    base : Tensor of shape (T,)
        Prediction without features: class shares, or 0.
    slope : Tensor of shape (K,)
        Scale of each base predictor's scores.
    losses : Tensor of shape (K,)
        Left-out loss of each base predictor: log loss less the entropy of the class
        shares, or the logarithm of the mean squared error.
    table : Tensor of shape (`N_TABLE`,)
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


class Encoding(NamedTuple):
    """Rows as the head sees them.

    Parameters
    ----------
    predictions : Tensor of shape (m, K, T)
        Of the base predictors: logits, or targets.
    features : Tensor of shape (m, T, F)
    losses : Tensor of shape (K,)
        See `Reading`.
    n_rows : Tensor of shape ()
        Sum of the weights of the context.
    mask : Tensor of shape (T,), bool
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


def mlp(*widths):
    """Return linear layers with LayerNorm and GELU between, the last one zero."""
    layers = []
    for n_in, n_out in zip(widths[:-2], widths[1:-1], strict=True):
        layers += [nn.Linear(n_in, n_out), nn.LayerNorm(n_out), nn.GELU()]
    last = nn.Linear(widths[-2], widths[-1])
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


class Body(nn.Module):
    """Read a table and encode rows.

    Parameters
    ----------
    config : NetworkConfig
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.classification = config.task == CLASSIFICATION
        width = config.width
        self.gates = mlp(N_SUMMARIES + N_TABLE, width, len(bases.GATES))
        self.scales = mlp(N_TABLE, width, len(_SCALES))
        self.log_scales = nn.Parameter(torch.tensor(_SCALES).log())
        self.log_curve = nn.Parameter(torch.tensor(0.0))
        self.log_prior = nn.Parameter(torch.tensor(0.0))
        # One layer is enough: the head's first one follows the average over columns.
        self.cells = nn.Sequential(
            nn.Linear(_N_CELL_INPUTS, config.cell_width), nn.GELU()
        )
        if self.classification:
            self.calibration = ScaleOfLogits(
                list(_LOGIT_SCALE.values()),
                [float(name in _NEEDS_SHARES) for name in _LOGIT_SCALE],
            )
        else:
            self.calibration = SlopeOfPredictions(list(_SLOPE.values()))

    def forward(self, context, x, missing):
        """Return the encoding of rows, given a context."""
        return self.encode(self.read(context), x, missing)

    def read(self, context):
        """Fit the base predictors to a context.

        Parameters
        ----------
        context : Context

        Returns
        -------
        reading : Reading
        """
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
        summaries = summarize(
            context,
            statistics,
            relevance,
            _curve_relevance(context, Y, curve_left_out, base_left_out),
            mask.sum() if self.classification else mask.sum() + 1.0,
        )
        table = describe_table(
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
        reading = Reading(
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
            reading,
            left_out,
            self._cell_evidence(reading, context.x, own_present, moments),
            self._curve_evidence(curve_left_out, base_left_out, own_present),
            distances + bases.FAR * (1.0 - others),
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
        return reading._replace(slope=slope, losses=losses)

    def encode(self, reading, x, missing):
        """Apply the base predictors to rows.

        Parameters
        ----------
        reading : Reading
        x : Tensor of shape (m, d)
        missing : Tensor of shape (m, d), bool

        Returns
        -------
        encoding : Encoding
        """
        context, Y, shares = reading.context, reading.Y, reading.shares
        mask = target_mask(context, self.config.task)
        present = (~missing).to(Y.dtype)
        differences = bases.absolute_differences(x, context.x)
        curves = torch.exp(-reading.scales.curve * differences)
        distances = differences @ shares[:, bases.GATES.index("neighbors")]
        K = bases.kernels(
            x, context.x, differences @ shares[:, 2], curves, shares, reading.scales
        )
        ridge = (K + 1.0) @ reading.alpha
        by_column = bases.column_curves(
            curves, Y, reading.statistics.present, reading.base, reading.scales.prior
        )
        evidence = self._cell_evidence(
            reading,
            x,
            present,
            (reading.statistics.s0, reading.statistics.s1, reading.statistics.s2),
        )
        curve = self._curve_evidence(by_column, reading.base[None], present)
        scores = self._scores(reading, ridge, evidence, curve, distances, reading.base)
        if self.classification:
            predictions = self.calibration.logits(
                scores, reading.slope, torch.log(reading.base)
            )
            exists = mask.to(Y.dtype)
            center = (predictions * exists).sum(-1, keepdim=True) / exists.sum()
            predictions = (predictions - center) * exists
        else:
            predictions = reading.slope[:, None] * scores
        features = torch.cat(
            [
                predictions.transpose(1, 2),
                self._cells(reading, x, present, evidence, curve),
                self._profile(reading, distances),
                _broadcast(reading.losses, predictions),
                _broadcast(reading.table, predictions),
                _class_numbers(reading, predictions),
            ],
            dim=-1,
        )
        return Encoding(
            predictions, features, reading.losses, context.weight.sum(), mask
        )

    def _base(self, Y, weight, mask):
        """Return the prediction without features, of all rows and without each row."""
        if not self.classification:
            return torch.zeros_like(mask), torch.zeros_like(Y)
        weighted = weight[:, None] * Y
        counts = weighted.sum(0)
        start = 0.5 * mask + 1e-8
        every = (counts + start) / (counts + start).sum()
        left_out = counts - weighted + start
        return every, left_out / left_out.sum(1, keepdim=True)

    def _centered(self, Y, context, mask):
        if not self.classification:
            return Y
        return (Y - mask / mask.sum()) * (context.weight > 0)[:, None] * mask

    def _column_shares(self, summaries, table, column_mask):
        inputs = torch.cat([summaries, table.expand(len(summaries), -1)], 1)
        gates = torch.exp(3.0 * torch.tanh(self.gates(inputs) / 3.0))
        return bases.share_of_gates(gates, column_mask)

    def _scales(self, table, prior):
        scales = torch.exp(self.log_scales + 3.0 * torch.tanh(self.scales(table) / 3.0))
        return bases.Scales(
            noise=scales[: bases.N_KERNELS],
            laplace=scales[4],
            gaussian=scales[5],
            neighbors=scales[6],
            curve=torch.exp(self.log_curve),
            prior=prior,
        )

    def _cell_evidence(self, reading, x, present, moments):
        """Return what each cell says for each class, (rows, C, d)."""
        if not self.classification:
            return None
        return bases.class_evidence(
            x,
            present,
            *moments,
            reading.statistics,
            reading.scales.prior,
            reading.context.class_mask,
        )

    def _curve_evidence(self, predicted, base, present):
        """Return what each column's curve says, (rows, T, d)."""
        if self.classification:
            predicted = torch.log(predicted + 1e-4) - torch.log(base + 1e-4)[..., None]
        return predicted * present[:, None, :]

    def _scores(self, reading, ridge, evidence, curve, distances, base):
        """Return the uncalibrated scores of all base predictors, (rows, K, T)."""
        shares, context = reading.shares, reading.context
        index = bases.GATES.index
        near = bases.neighbors(
            distances,
            reading.Y,
            context.weight,
            base,
            reading.scales.neighbors,
            reading.scales.prior,
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

    def _cells(self, reading, x, present, evidence, curve):
        """Return the embedded cells of each row, averaged over columns by gates."""
        statistics = reading.statistics
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
        shared = [present[:, None, :], *reading.summaries.T[:3]]
        inputs = torch.stack([part.expand_as(curve) for part in (*own, *shared)], -1)
        share = reading.shares[:, bases.GATES.index("cells")]
        return (self.cells(inputs) * share[:, None]).sum(-2)

    def _profile(self, reading, distances):
        """Return distances of the nearest rows (per class), and their targets.

        The profile of Ye et al. (2023), whose length depends neither on the number of
        columns nor on that of classes.
        """
        k = self.config.n_neighbors
        context = reading.context
        distances = torch.where(context.weight > 0, distances, bases.FAR)
        short = max(0, k - distances.shape[1])
        distances = nn.functional.pad(distances, (0, short), value=bases.FAR)
        nearest, rows = torch.topk(distances, k, dim=1, largest=False)
        if self.classification:
            far = bases.FAR * (1.0 - reading.Y.T)
            far = nn.functional.pad(far, (0, short), value=bases.FAR)
            own = torch.topk(distances[:, None] + far, k, dim=-1, largest=False)[0]
            own = own.clamp(max=4.0)
            overall = nearest.clamp(max=4.0)[:, None, :].expand_as(own)
            return torch.cat([own - overall, overall], -1)
        y = nn.functional.pad(reading.Y[:, 0], (0, short))
        profile = torch.cat([nearest.clamp(max=4.0), y[rows]], 1)
        return profile[:, None, :]


def _curve_relevance(context, Y, predicted, base):
    """Return the explained share of curves that did not see the row, (d,)."""
    w = context.weight[:, None]
    real = (w > 0).to(Y.dtype)
    error = (w[..., None] * (Y[..., None] - predicted * real[..., None]) ** 2).sum(
        (0, 1)
    )
    total = (w * (Y - base * real) ** 2).sum()
    return (1.0 - error / (total + 1e-3)).clamp(-1.0, 1.0)


def _broadcast(numbers, predictions):
    m, _, T = predictions.shape
    return numbers.expand(m, T, -1)


def _class_numbers(reading, predictions):
    """Return the share of each class and its number of rows."""
    counts = (reading.context.weight[:, None] * reading.Y).sum(0).clamp(min=0.0)
    numbers = torch.stack([torch.log(reading.base + 1e-3), torch.log1p(counts)], -1)
    return numbers.expand(len(predictions), -1, -1) / 2.0
