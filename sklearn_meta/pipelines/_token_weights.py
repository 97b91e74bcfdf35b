"""Weights of text: calls that turn counts of n-grams into columns for learners.

Counts of words and of characters are two blocks of trailing columns, see `Layout`. Each
is weighted by term frequency times inverse document frequency, with rows of unit length
[1]_. Linear models get the sparse weights; for others, the leading singular vectors of
each block take their place (latent semantic analysis) [2]_.

References
----------
.. [1] G. Salton, C. Buckley, "Term-weighting approaches in automatic text retrieval",
   Information Processing & Management 24(5), 1988.
.. [2] S. Deerwester, S. T. Dumais, G. W. Furnas, T. K. Landauer, R. Harshman, "Indexing
   by latent semantic analysis", JASIS 41(6), 1990.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._spec import Reference, Spec

# Which blocks of tokens are used.
WORDS, CHARACTERS, BOTH = "words", "characters", "both"

# Singular vectors of each block, where no operator asks for another number.
N_COMPONENTS = 50

# Power iterations of the randomized decomposition. Two instead of scikit-learn's five
# explain hardly less of the variance, in half of the time.
SVD_ITERATIONS = 2

# Weights of a row have unit length. Beyond the rank of the training rows, which may be
# below the number of tokens, components are rounding errors: they become zero, and
# scaling them to unit variance does no harm.
DECIMALS = 5


def token_blocks(layout, tokens=BOTH) -> list[tuple[str, slice]]:
    """Return the name and the columns of each block of tokens that is used.

    Parameters
    ----------
    layout : Layout or Schema
        It has counts of tokens.
    tokens : {"words", "characters", "both"}, default="both"
        Where the table has no tokens of the one kind, those of the other are used.

    Returns
    -------
    blocks : list of (str, slice)
    """
    end = layout.n_features
    middle = end - layout.n_characters
    blocks = {
        WORDS: slice(middle - layout.n_words, middle),
        CHARACTERS: slice(middle, end),
    }
    present = {name: b for name, b in blocks.items() if b.stop > b.start}
    return [
        (name, block)
        for name, block in present.items()
        if tokens in (name, BOTH) or tokens not in present
    ]


def n_dense_columns(layout, tokens=BOTH, n_components=N_COMPONENTS) -> int:
    """Return the number of columns with components in place of tokens.

    Parameters
    ----------
    layout : Layout or Schema
    tokens : {"words", "characters", "both"}, default="both"
    n_components : int, default=50

    Returns
    -------
    n_columns : int
    """
    n_leading = layout.n_features - layout.n_words - layout.n_characters
    return n_leading + sum(
        min(block.stop - block.start, n_components)
        for _, block in token_blocks(layout, tokens)
    )


def tfidf(*, sublinear_tf=True) -> Spec:
    """Weights of one block; `sublinear_tf` takes 1 + log of the counts."""
    return Spec(
        "sklearn.feature_extraction.text.TfidfTransformer",
        (("sublinear_tf", sublinear_tf),),
    )


def text_components(
    layout: Layout,
    *,
    tokens=BOTH,
    n_components=N_COMPONENTS,
    sublinear_tf=True,
    random_state=0,
) -> tuple[Spec, Layout]:
    """Replace the counts by leading singular vectors of their weights.

    Parameters
    ----------
    layout : Layout
        It has counts of tokens.
    tokens : {"words", "characters", "both"}, default="both"
    n_components : int, default=50
        Number of singular vectors of each block; at most its number of tokens.
    sublinear_tf : bool, default=True
    random_state : int, default=0

    Returns
    -------
    spec : Spec
        A dense table: categories and numbers as they are, then the components.
    layout : Layout
    """
    weights = tfidf(sublinear_tf=sublinear_tf)
    transformers: list[tuple] = []
    for name, block in token_blocks(layout, tokens):
        n = min(n_components, block.stop - block.start)
        steps = [("tfidf", weights), *_singular_vectors(n, random_state)]
        # One token is left as it is: the class takes two or more.
        transformers.append((name, pipeline(*steps) if n > 1 else weights, block))
    n_leading = layout.n_categorical + (layout.n_numeric or 0)
    if n_leading:
        transformers.insert(0, ("table", "passthrough", slice(0, n_leading)))
    spec = Spec(
        "sklearn.compose.ColumnTransformer",
        # Dense, whatever the share of zeros.
        (("transformers", transformers), ("sparse_threshold", 0)),
    )
    return spec, replace(
        layout, n_words=0, n_characters=0, nonnegative=False,
        n_features=n_dense_columns(layout, tokens, n_components),
    )  # fmt: skip


def _singular_vectors(n_components, random_state):
    """Steps that project a block to its leading singular vectors."""
    svd = Spec(
        "sklearn.decomposition.TruncatedSVD",
        (
            ("n_components", n_components),
            ("n_iter", SVD_ITERATIONS),
            ("random_state", random_state),
        ),
    )
    rounded = Spec(
        "sklearn.preprocessing.FunctionTransformer",
        (("func", Reference("numpy.round")), ("kw_args", {"decimals": DECIMALS})),
    )
    return [("svd", svd), ("round", rounded)]


def pipeline(*steps) -> Spec:
    """Call of scikit-learn's `Pipeline`."""
    return Spec("sklearn.pipeline.Pipeline", (("steps", list(steps)),))
