"""A network together with the table it learns from: the torch module of an estimator.

It has two kinds of rows: those of the *context*, from which the network predicts, and
the rows it is *adapted* on. The latter are the context's, each predicted without its
fold, so that it never sees its own target, and further rows, which are predicted from
the whole context, as new rows will be.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sklearn_meta.maml._body import Encoding
from sklearn_meta.maml._context import Context, fold_order
from sklearn_meta.maml._network import TableNetwork

# Cells of the largest intermediate arrays, of which a handful are alive at once: rows
# are encoded in chunks of about so many.
CHUNK_CELLS = 2_000_000
# Numbers that one cell of one row is embedded in for each class.
EMBEDDED = 16


class TableModule(nn.Module):
    """Predict rows from the rows of one table.

    Parameters
    ----------
    config : NetworkConfig
    context : Context
        Rows that are predicted from, without padding.
    train_weight : Tensor of shape (n,)
        What they count in the loss.
    extra_x, extra_missing : Tensor of shape (r, d)
        Further rows to adapt on.
    extra_y, extra_weight : Tensor of shape (r,)
        Their targets, and what they count in the loss.
    """

    def __init__(
        self, config, context, train_weight, extra_x, extra_missing, extra_y,
        extra_weight,
    ):  # fmt: skip
        super().__init__()
        self.network = TableNetwork(config).to(context.x.dtype)
        for name, value in context._asdict().items():
            self.register_buffer(f"context_{name}", value)
        self.register_buffer("train_x", torch.cat([context.x, extra_x]))
        self.register_buffer(
            "train_missing", torch.cat([context.missing, extra_missing])
        )
        self.register_buffer("train_y", torch.cat([context.y, extra_y]))
        self.register_buffer("train_weight", torch.cat([train_weight, extra_weight]))
        fold = folds(context.y, config.n_folds)
        self.register_buffer(
            "fold", torch.cat([fold, fold.new_full(extra_y.shape, -1)])
        )
        self.forget()

    @property
    def task(self):
        """Classification or regression."""
        return self.network.config.task

    @property
    def context(self) -> Context:
        """Rows that are predicted from."""
        return Context(*(getattr(self, f"context_{n}") for n in Context._fields))

    @property
    def chunk_rows(self) -> int:
        """Number of rows that are encoded at once."""
        n, d = self.context_x.shape
        n_targets = len(self.context_class_mask)
        return max(1, CHUNK_CELLS // (d * max(n, EMBEDDED * n_targets)))

    def forward(self, x=None, missing=None, row=None) -> Tensor:
        """Predict new rows, or rows that the network is adapted on.

        Parameters
        ----------
        x, missing : Tensor of shape (m, d)
            New rows.
        row : Tensor of int of shape (m,)
            Or positions of rows to adapt on.

        Returns
        -------
        prediction : Tensor of shape (m, C) or (m, 2)
            As of `TableNetwork`.
        """
        if row is not None:
            return self.network.head(self._left_out(row))
        if self._reading is None:
            self._reading = self.network.body.read(self.context)
        parts = zip(
            x.split(self.chunk_rows), missing.split(self.chunk_rows), strict=True
        )
        encode = self.network.body.encode
        return torch.cat(
            [self.network.head(encode(self._reading, *part)) for part in parts]
        )

    def train(self, mode=True):
        """Switch to training, which may change what the body makes of the context."""
        if mode and self._adapts_body():
            self.forget()
        return super().train(mode)

    def forget(self):
        """Drop what follows from the parameters of the body."""
        self._reading = None
        self._encoding = None

    def __getstate__(self):
        return {**self.__dict__, "_reading": None, "_encoding": None}

    def _adapts_body(self):
        return any(p.requires_grad for p in self.network.body.parameters())

    def _left_out(self, row):
        """Encode rows to adapt on, each from the context without its fold."""
        if self._adapts_body():
            return self._encode(row)
        if self._encoding is None:
            every = torch.arange(len(self.fold), device=self.fold.device)
            with torch.no_grad():
                self._encoding = self._encode(every)
        *numbers, mask = self._encoding
        return Encoding(*(values[row] for values in numbers), mask)

    def _encode(self, row):
        fold = self.fold[row]
        parts, places = [], []
        for k in torch.unique(fold).tolist():
            reading = self.network.body.read(self._without(k))
            for place in torch.nonzero(fold == k)[:, 0].split(self.chunk_rows):
                own = row[place]
                encoding = self.network.body.encode(
                    reading, self.train_x[own], self.train_missing[own]
                )
                parts.append(_by_row(encoding))
                places.append(place)
        order = torch.argsort(torch.cat(places))
        numbers = (torch.cat(values)[order] for values in zip(*parts, strict=True))
        return Encoding(*numbers, encoding.mask)

    def _without(self, k):
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


def _by_row(encoding):
    """Numbers of the context as numbers of each row, so that contexts can be mixed."""
    m = len(encoding.predictions)
    return (
        encoding.predictions,
        encoding.features,
        encoding.losses.expand(m, -1),
        encoding.n_rows.expand(m, 1),
    )


def folds(y, n_folds):
    """Return the fold of each row, shape (n,): sorted by target and dealt in turn."""
    n = len(y)
    pad = -n % n_folds
    weight = torch.nn.functional.pad(torch.ones(n, device=y.device), (0, pad))
    own = fold_order(torch.nn.functional.pad(y, (0, pad)), weight, n_folds)
    fold = torch.empty(n + pad, dtype=torch.int64, device=y.device)
    fold[own] = torch.arange(n_folds, device=y.device)[:, None].expand_as(own)
    return fold[:n]
