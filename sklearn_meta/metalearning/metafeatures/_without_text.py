"""Tables with text as meta-features describe them: without counts of tokens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sklearn_meta.data._encoding import schema_of

# Number of singular vectors that describe a table of nothing but text.
N_COMPONENTS = 10


def without_text(dataset, *, max_rows, seed=0):
    """Return a dataset without counts of tokens.

    Datasets of the knowledge base have none, and meta-features of thousands of columns
    that are nearly empty would say little.

    Parameters
    ----------
    dataset : Dataset
    max_rows : int
        Number of rows that singular vectors are computed on.
    seed : int, default=0
        Of the singular vectors.

    Returns
    -------
    dataset : Dataset
        The columns beside the text or, if there are none, leading singular vectors of
        its weights. The same object for a table without text.
    """
    schema = dataset.schema
    if not schema.has_text:
        return dataset
    if schema.n_leading:
        X = dataset.X[:, : schema.n_leading].toarray()
    else:
        X = _components(dataset.X, max_rows, seed)
    reduced = schema_of(X, schema.n_categorical, schema.cardinalities)
    return replace(dataset, X=X, schema=reduced)


def _components(counts, max_rows, seed):
    """Leading singular vectors of the TF-IDF weights of the counts."""
    # Imported late: most tables have no text.
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfTransformer

    weights = TfidfTransformer(sublinear_tf=True)
    some = weights.fit_transform(counts[:: -(-counts.shape[0] // max_rows)])
    if some.shape[1] <= N_COMPONENTS:
        return weights.transform(counts).toarray()
    svd = TruncatedSVD(N_COMPONENTS, n_iter=2, random_state=seed).fit(some)
    return np.ascontiguousarray(svd.transform(weights.transform(counts)))
