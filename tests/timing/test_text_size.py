"""Seconds of text: the nonzeros decide, not the number of columns."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import ClassificationTask
from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.metalearning._text_pipelines import text_portfolio
from sklearn_meta.pipelines import default_catalog, parse
from sklearn_meta.testing import make_table
from sklearn_meta.timing._operators import predicted_seconds, predicted_seconds_on
from sklearn_meta.timing._text_size import TextSize, text_size

CATALOG = default_catalog(CLASSIFICATION)
WIDE = TextSize(10_000, 20_000, 30.0, 120.0)


def dataset_of(table, schema):
    return Dataset(
        table, np.arange(table.shape[0]) % 2, schema, ClassificationTask([0, 1])
    )


def seconds(text, size=WIDE, n=1000, n_leading=10):
    n_features = n_leading + size.n_words + size.n_characters
    return predicted_seconds(
        parse(text, catalog=CATALOG), catalog=CATALOG, n_samples=n,
        n_features=n_features, n_classes=2, text=size,
    )  # fmt: skip


def test_size_of_a_dataset():
    table, schema = make_table("text", n_rows=500)
    size = text_size(dataset_of(table, schema))
    tokens = table[:, schema.n_leading :]
    assert (size.n_words, size.n_characters) == (schema.n_words, schema.n_characters)
    words = tokens[:, : schema.n_words].nnz / 500
    assert size.words_per_row == pytest.approx(words, rel=0.1)
    characters = tokens[:, schema.n_words :].nnz / 500
    assert size.characters_per_row == pytest.approx(characters, rel=0.1)
    dense = np.ones((5, 2))
    assert text_size(dataset_of(dense, schema_of(dense))) is None


def test_blocks():
    assert WIDE.blocks() == [(10_000, 30.0), (20_000, 120.0)]
    assert WIDE.blocks("words") == [(10_000, 30.0)]
    assert TextSize(0, 5, 0.0, 2.0).blocks("words") == [(5, 2.0)]


def test_thirty_thousand_tokens_are_affordable():
    """One fit on a thousand rows; without text the columns would count."""
    for proposal in text_portfolio(CATALOG):
        found = predicted_seconds(
            proposal.tree, catalog=CATALOG, n_samples=1000, n_features=30_010,
            n_classes=2, text=WIDE,
        )  # fmt: skip
        assert found < 2
    assert seconds("lightgbm(X)") < 2
    assert seconds("svc(standard_scaler(X))") < 2
    plain = predicted_seconds(
        parse("lightgbm(X)", catalog=CATALOG), catalog=CATALOG, n_samples=1000,
        n_features=30_010, n_classes=2,
    )  # fmt: skip
    assert plain > 5


def test_trees_on_the_weights_themselves_are_expensive():
    assert seconds("lightgbm(tfidf(X))") > 5 * seconds("lightgbm(text_svd(X))")
    assert seconds("gradient_boosting(tfidf(X))") > 10


@pytest.mark.parametrize(
    "text",
    [
        "ridge(X)",
        "ridge(tfidf(X, tokens='words'))",
        "lightgbm(text_svd(X, n_components=200))",
        "lightgbm(union(X, tfidf(X)))",
        "lda(tfidf(X))",
        "logistic_regression(select_percentile(tfidf(X)))",
        "logistic_regression(stack(ridge(X), lightgbm(X)))",
        "bagging(ridge(X))",
        "dummy(X)",
    ],
)
def test_seconds_grow_with_the_text(text):
    few = seconds(text, TextSize(500, 1000, 5.0, 20.0))
    more = seconds(text, TextSize(5000, 10_000, 50.0, 200.0))
    assert 0 < few <= more
    assert more <= seconds(text, TextSize(5000, 10_000, 50.0, 200.0), n=5000)


def test_fewer_tokens_and_components_are_cheaper():
    assert seconds("ridge(tfidf(X, tokens='words'))") < seconds("ridge(tfidf(X))")
    few = seconds("lightgbm(text_svd(X, n_components=10))")
    assert few < seconds("lightgbm(text_svd(X, n_components=300))")


def test_the_text_of_a_dataset_is_looked_at():
    rng = np.random.default_rng(0)
    counts = sparse.random(400, 20_000, 0.002, "csr", rng=rng)
    schema = schema_of(counts, n_words=20_000)
    tree = parse("lightgbm(X)", catalog=CATALOG)
    found = predicted_seconds_on(dataset_of(counts, schema), tree, catalog=CATALOG)
    as_numbers = dataset_of(counts, schema_of(counts))
    assert found < predicted_seconds_on(as_numbers, tree, catalog=CATALOG) / 5
