"""Resolve the parameter `column_kinds` to the kinds of columns by position."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral

import numpy as np

from sklearn_meta._sklearn_compat import InvalidParameterError
from sklearn_meta.data._column_kinds import CHOICES


def chosen_kinds(X, names, column_kinds) -> dict[int, str]:
    """Return the kinds that the user has chosen, by the position of the column.

    Parameters
    ----------
    X : data frame, ndarray or sparse matrix
        Passed to selectors.
    names : sequence
        Names of the columns; their positions if they have none.
    column_kinds : mapping or None
        Maps the name of a column, its position, a tuple of both, or a selector
        ``selector(X)`` such as those of ``make_column_selector`` to a kind. Names take
        precedence over selectors.

    Returns
    -------
    kinds : dict of int to str

    Raises
    ------
    InvalidParameterError
        If there is no such column or kind.
    """
    if column_kinds is None:
        return {}
    names = list(names)
    positions = {name: i for i, name in enumerate(names)}
    by_selector, by_name = {}, {}
    for key, kind in column_kinds.items():
        if kind not in CHOICES:
            raise InvalidParameterError(
                f"The 'column_kinds' parameter must map columns to kinds, which are "
                f"{', '.join(map(repr, CHOICES))}. Got {kind!r} for {key!r}."
            )
        if callable(key):
            found = _selected(key(X), names, positions)
            by_selector.update(dict.fromkeys(found, kind))
        elif key in positions:
            by_name[positions[key]] = kind
        else:
            keys = key if isinstance(key, tuple) else (key,)
            found = [_position(k, names, positions) for k in keys]
            by_name.update(dict.fromkeys(found, kind))
    return {**by_selector, **by_name}


def _selected(found, names, positions):
    """Return the positions of what a selector has returned."""
    if isinstance(found, slice):
        return list(range(len(names)))[found]
    if isinstance(found, str) or not np.iterable(found):
        found = [found]
    found = list(found)
    if found and all(isinstance(k, bool | np.bool_) for k in found):
        return np.flatnonzero(found).tolist()
    return [_position(k, names, positions) for k in found]


def _position(key, names, positions):
    """Return the position of a column by its name or position."""
    if key in positions:
        return positions[key]
    is_position = isinstance(key, Integral) and not isinstance(key, bool)
    if is_position and -len(names) <= key < len(names):
        return int(key) % len(names)
    close = get_close_matches(str(key), [str(name) for name in names], n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    raise InvalidParameterError(
        f"The 'column_kinds' parameter names {key!r}, but X has no such column.{hint}"
    )
