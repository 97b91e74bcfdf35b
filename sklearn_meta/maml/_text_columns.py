"""Text of a table as columns of numbers, of which networks take some dozens."""

from __future__ import annotations

from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._spec import instantiate
from sklearn_meta.pipelines._token_weights import text_components

# Singular vectors of words, and of characters.
N_COMPONENTS = 10


def reduce_text(encoded, schema):
    """Replace the counts of tokens of an encoded table by singular vectors.

    Parameters
    ----------
    encoded : CSR matrix of shape (n_samples, schema.n_features)
    schema : Schema
        It has counts of tokens.

    Returns
    -------
    reducer : fitted transformer
    reduced : ndarray of shape (n_samples, n_columns)
        The category codes are still the leading columns.
    """
    spec, _ = text_components(Layout.of(schema), n_components=N_COMPONENTS)
    reducer = instantiate(spec)
    return reducer, reducer.fit_transform(encoded)
