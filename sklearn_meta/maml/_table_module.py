"""Torch module of an estimator: a network with the rows that it is adapted to.

The network predicts from *context* rows. It is adapted to *training* rows: the context
rows, each predicted without its fold, so that its own target is not visible, and
further rows, which are predicted from the whole context, as new rows are.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_meta.maml._body import EncodedRows
from sklearn_meta.maml._context import Context, fold_order
from sklearn_meta.maml._network import TableNetwork

# Number of elements of the largest intermediate arrays, a few of which exist at once:
# rows are encoded in chunks of about this size.
MAX_ARRAY_ELEMENTS = 2_000_000
# Number of elements for each cell and class.
ELEMENTS_PER_CELL = 16


class TableModule(nn.Module):
    """Network with context rows and training rows of one table.

    Parameters
    ----------
    config : NetworkConfig
    context : Context
        Context rows without padding.
    train_x, train_missing : Tensor of shape (r, d)
        Features of the training rows. The first ones are the context rows.
    train_y, train_weight : Tensor of shape (r,)
        Their targets, and their weights in the loss.
    """

    def __init__(self, config, context, train_x, train_missing, train_y, train_weight):
        super().__init__()
        self.network = TableNetwork(config).to(context.x.dtype)
        for name, value in context._asdict().items():
            self.register_buffer(f"context_{name}", value)
        self.register_buffer("train_x", train_x)
        self.register_buffer("train_missing", train_missing)
        self.register_buffer("train_y", train_y)
        self.register_buffer("train_weight", train_weight)
        # Further rows are in no fold.
        fold = torch.full(train_y.shape, -1, device=train_y.device)
        fold[: len(context.y)] = assign_folds(context.y, config.n_folds)
        self.register_buffer("fold", fold)
        self.clear_cache()

    @property
    def task(self):
        """Classification or regression."""
        return self.network.config.task

    @property
    def context(self) -> Context:
        """Rows that the network predicts from."""
        return Context(*(getattr(self, f"context_{n}") for n in Context._fields))

    @property
    def chunk_rows(self) -> int:
        """Number of rows to encode at once."""
        n, d = self.context_x.shape
        n_targets = len(self.context_class_mask)
        return max(1, MAX_ARRAY_ELEMENTS // (d * max(n, ELEMENTS_PER_CELL * n_targets)))

    def forward(self, x=None, missing=None, row=None) -> Tensor:
        """Predict new rows (`x`, `missing`) or the training rows at `row`."""
        if row is not None:
            return self.network.head(self._encode_training_rows(row))
        if self._fitted is None:
            self._fitted = self.network.body.fit_context(self.context)
        parts = zip(
            x.split(self.chunk_rows), missing.split(self.chunk_rows), strict=True
        )
        encode = self.network.body.encode
        return torch.cat(
            [self.network.head(encode(self._fitted, *part)) for part in parts]
        )

    def train(self, mode=True):
        """Set the training mode, which invalidates the cache if the body is adapted."""
        if mode and self._adapts_body():
            self.clear_cache()
        return super().train(mode)

    def clear_cache(self):
        """Drop results that depend on the parameters of the body."""
        self._fitted = None
        self._encoded = None

    def __getstate__(self):
        # Caches can be recomputed, and are large.
        return {**self.__dict__, "_fitted": None, "_encoded": None}

    def _adapts_body(self):
        """Return whether parameters of the body are adapted."""
        return any(p.requires_grad for p in self.network.body.parameters())

    def _encode_training_rows(self, row):
        """Encode training rows, from the cache unless the body is adapted."""
        if self._adapts_body():
            return self._encode(row)
        if self._encoded is None:
            every = torch.arange(len(self.fold), device=self.fold.device)
            with torch.no_grad():
                self._encoded = self._encode(every)
        *values, mask = self._encoded
        return EncodedRows(*(value[row] for value in values), mask)

    def _encode(self, row):
        """Encode training rows, each from the context without its fold."""
        fold = self.fold[row]
        parts, places = [], []
        for k in torch.unique(fold).tolist():
            fitted = self.network.body.fit_context(self._without_fold(k))
            for place in torch.nonzero(fold == k)[:, 0].split(self.chunk_rows):
                own = row[place]
                encoded = self.network.body.encode(
                    fitted, self.train_x[own], self.train_missing[own]
                )
                parts.append(_expanded(encoded))
                places.append(place)
        order = torch.argsort(torch.cat(places))
        values = (torch.cat(part)[order] for part in zip(*parts, strict=True))
        return EncodedRows(*values, encoded.mask)

    def _without_fold(self, k):
        """Return the context without a fold; -1 keeps all rows."""
        context = self.context
        if k < 0:
            return context
        others = self.fold[: len(context.y)] != k
        return context._replace(
            x=context.x[others],
            missing=context.missing[others],
            y=context.y[others],
            weight=context.weight[others],
        )


def _expanded(encoded):
    """Repeat the values of the context for each row, so that contexts can be mixed."""
    m = len(encoded.predictions)
    return (
        encoded.predictions,
        encoded.features,
        encoded.losses.expand(m, -1),
        encoded.n_rows.expand(m, 1),
    )


def assign_folds(y, n_folds):
    """Return the fold of each row (see `fold_order`), shape (n,)."""
    n = len(y)
    pad = -n % n_folds
    weight = torch.nn.functional.pad(torch.ones(n, device=y.device), (0, pad))
    own = fold_order(torch.nn.functional.pad(y, (0, pad)), weight, n_folds)
    fold = torch.empty(n + pad, dtype=torch.int64, device=y.device)
    fold[own] = torch.arange(n_folds, device=y.device)[:, None].expand_as(own)
    return fold[:n]
