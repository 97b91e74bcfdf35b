"""Text of a table becomes some columns of numbers."""

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from sklearn_meta.data._encoding import Encoding
from sklearn_meta.maml import MAMLClassifier, _maml
from sklearn_meta.maml._text_columns import N_COMPONENTS, reduce_text
from sklearn_meta.maml.training._numeric_table import _from_encoded
from sklearn_meta.testing import make_table, make_target


def test_categories_and_numbers_stay_and_tokens_become_components():
    table, schema = make_table("text")
    reducer, reduced = reduce_text(table, schema)
    n = schema.n_leading
    assert reduced.shape == (120, n + 2 * N_COMPONENTS)
    np.testing.assert_array_equal(reduced[:, :n], table[:, :n].toarray())
    np.testing.assert_allclose(reducer.transform(table), reduced, atol=2e-5)


def test_networks_take_a_table_with_text(monkeypatch):
    table, schema = make_table("text")
    y = make_target(table, "classification")

    def encode_table(X):
        encoder = FunctionTransformer(accept_sparse=True).fit(X)
        return encoder, table, Encoding(None, schema, ())

    monkeypatch.setattr(_maml, "encode_table", encode_table)
    # What stands for the user's table is passed on by the encoder as it is.
    monkeypatch.setattr(_maml, "check_table", lambda estimator, X, reset: X)
    net = MAMLClassifier(n_adaptation_steps=1, random_state=0).fit(table, y)
    assert net.predict_proba(table).shape == (120, 3)


def test_tables_of_meta_training_too():
    table, schema = make_table("text")
    numeric = _from_encoded(table, np.zeros(120), schema, "a", "a")
    assert numeric.X.shape == (120, schema.n_leading + 2 * N_COMPONENTS)
    assert numeric.categorical.sum() == 2
