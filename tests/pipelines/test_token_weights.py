"""Text in front of operators: sparse weights, or components beside the table."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfTransformer

from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION, TASKS
from sklearn_meta.pipelines import (
    Schema,
    compile_pipeline,
    default_catalog,
    parse,
    to_source,
)
from sklearn_meta.pipelines._compile import accepts_sample_weight, fit_weighted
from sklearn_meta.pipelines._token_weights import (
    N_COMPONENTS,
    n_dense_columns,
    token_blocks,
)
from sklearn_meta.testing import make_table, make_target
from sklearn_meta.testing._tables import N_CHARACTERS, N_WORDS

# What learners say of some dozens of rows of noise is true, and no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

# One-hot columns of two and of six levels, and of missing values.
N_ONE_HOT = 3 + 7
N_NUMBERS = 4

LINEAR_AND_BAYES = {
    CLASSIFICATION: (
        "logistic_regression",
        "sgd",
        "ridge",
        "linear_svc",
        "bernoulli_nb",
        "multinomial_nb",
        "complement_nb",
    ),
    REGRESSION: ("ridge", "lasso", "elastic_net", "sgd", "linear_svr"),
}
OTHERS = ("lightgbm", "extra_trees", "k_neighbors", "hist_gradient_boosting", "mlp")


def compiled(text, schema, task=CLASSIFICATION, n_outputs=1):
    catalog = default_catalog(task)
    return compile_pipeline(
        parse(text, catalog=catalog), schema, catalog=catalog, random_state=0,
        n_classes=3 if task == CLASSIFICATION else 1, n_outputs=n_outputs,
    )  # fmt: skip


def before_learner(text, table, schema, task=CLASSIFICATION):
    """What the last step is fitted on."""
    pipeline = compiled(text, schema, task)
    return pipeline[:-1].fit_transform(table, make_target(table, task))


def only_text(table, schema):
    """The table without the columns beside its text."""
    n_tokens = schema.n_words + schema.n_characters
    return table[:, schema.n_leading :], Schema(
        n_tokens,
        nonnegative=True,
        n_words=schema.n_words,
        n_characters=schema.n_characters,
    )


@pytest.mark.parametrize("task", TASKS)
def test_linear_models_and_naive_bayes_get_sparse_complete_weights(task):
    table, schema = make_table("text")
    for name in LINEAR_AND_BAYES[task]:
        steps = compiled(f"{name}(X)", schema, task).steps
        assert [step for step, _ in steps][0] == "tfidf"
        assert len(steps) == 2
        before = before_learner(f"{name}(X)", table, schema, task)
        assert sparse.issparse(before)
        assert before.shape[1] == N_ONE_HOT + N_NUMBERS + N_WORDS + N_CHARACTERS
        assert before.data.min() >= 0
        assert before.data.max() <= 1
    words = slice(schema.n_leading, schema.n_leading + N_WORDS)
    expected = TfidfTransformer(sublinear_tf=True).fit_transform(table[:, words])
    found = before[:, N_ONE_HOT + N_NUMBERS :][:, :N_WORDS]
    np.testing.assert_allclose(found.toarray(), expected.toarray())


@pytest.mark.parametrize("name", OTHERS)
def test_others_get_components_beside_the_table(name):
    table, schema = make_table("text")
    steps = [step for step, _ in compiled(f"{name}(X)", schema).steps]
    assert steps[0] == "text_svd"
    before = before_learner(f"{name}(X)", table, schema)
    assert not sparse.issparse(before)
    # As many components as there are tokens, at most.
    assert before[:, -N_CHARACTERS - N_COMPONENTS :].std() > 0
    if name == "lightgbm":
        assert before.shape[1] == schema.n_leading + N_COMPONENTS + N_CHARACTERS
        leading = table[:, : schema.n_leading].toarray()
        np.testing.assert_array_equal(before[:, : schema.n_leading], leading)
        [words] = [b for n, b in token_blocks(schema) if n == "words"]
        weights = TfidfTransformer(sublinear_tf=True).fit_transform(table[:, words])
        svd = TruncatedSVD(N_COMPONENTS, n_iter=2, random_state=0)
        expected = svd.fit_transform(weights)
        found = before[:, schema.n_leading :][:, :N_COMPONENTS]
        np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_every_learner_fits_text_and_nothing_else(task):
    table, schema = only_text(*make_table("text", n_rows=90))
    y = make_target(table, task)
    catalog = default_catalog(task)
    for learner in catalog.select("learner"):
        if learner.requires:
            continue
        tree = parse(f"{learner.name}(X)", catalog=catalog)
        arguments = {
            "catalog": catalog,
            "n_classes": 3 if task == CLASSIFICATION else 1,
            "random_state": 0,
        }
        pipeline = clone(compile_pipeline(tree, schema, **arguments))
        predicted = pipeline.fit(table[:60], y[:60]).predict(table[60:])
        assert predicted.shape == (30,)
        namespace = {}
        exec(to_source(tree, schema, **arguments), namespace)
        again = namespace["pipeline"].fit(table[:60], y[:60]).predict(table[60:])
        np.testing.assert_array_equal(again, predicted)


@pytest.mark.parametrize(
    "text",
    [
        "logistic_regression(union(tfidf(X), text_svd(X)))",
        "random_forest(union(text_svd(X), tfidf(X)))",
        "lightgbm(union(X, tfidf(X, tokens='words')))",
        "logistic_regression(union(X, standard_scaler(X)))",
        pytest.param(
            "logistic_regression(select_percentile(tfidf(X), percentile=20))",
            # Of tokens that no training row has.
            marks=pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning"),
        ),
        "logistic_regression(truncated_svd(tfidf(X)))",
        "gaussian_nb(pca(standard_scaler(X)))",
        "lightgbm(one_hot(X))",
        "lightgbm(target_encode(impute(text_svd(X, tokens='characters'))))",
        "tfidf_is_idle",
        "logistic_regression(stack(multinomial_nb(tfidf(X)), decision_tree(X)))",
        "bagging(ridge(tfidf(X)), n_estimators=3)",
        "calibrated(extra_tree(text_svd(X)))",
    ],
)
def test_trees_with_text_fit(text):
    table, schema = make_table("text")
    y = make_target(table, CLASSIFICATION)
    if text == "tfidf_is_idle":
        # One follows the other: the first one has used the counts up.
        text = "lightgbm(text_svd(tfidf(X)))"
        assert [n for n, _ in compiled(text, schema).steps] == ["tfidf", "lightgbm"]
    pipeline = compiled(text, schema).fit(table[:80], y[:80])
    assert np.isfinite(pipeline.predict_proba(table[80:])).all()


@pytest.mark.parametrize("task", TASKS)
def test_several_outputs_share_the_text(task):
    table, schema = make_table("text")
    y = np.column_stack([make_target(table, task, n_classes=2, seed=i) for i in (1, 2)])
    for text in ("ridge(X)", "lightgbm(X)", "linear_svc(tfidf(X))", "linear_svr(X)"):
        if parse_fails(text, task):
            continue
        pipeline = compiled(text, schema, task, n_outputs=2).fit(table, y)
        assert [name for name, _ in pipeline.steps][0] in ("tfidf", "text_svd")
        assert pipeline.predict(table).shape == y.shape


def parse_fails(text, task):
    return default_catalog(task).find(text.partition("(")[0]) is None


@pytest.mark.parametrize(
    "text",
    [
        "logistic_regression(X)",
        "linear_svc(X)",
        "bagging(logistic_regression(X), n_estimators=3)",
        "logistic_regression(stack(multinomial_nb(X), decision_tree(text_svd(X))))",
    ],
)
def test_sample_weights_reach_learners_behind_text(text):
    table, schema = make_table("text")
    y = make_target(table, CLASSIFICATION)
    tree = parse(text, catalog=default_catalog(CLASSIFICATION))
    assert accepts_sample_weight(
        tree, catalog=default_catalog(CLASSIFICATION), schema=schema
    )
    weight = np.where(y == 0, 100.0, 1.0)
    weighted = fit_weighted(compiled(text, schema), table, y, weight)
    plain = compiled(text, schema).fit(table, y)
    new = make_table("text", seed=1)[0]
    share = [np.mean(model.predict(new) == 0) for model in (weighted, plain)]
    assert share[0] > share[1]


def test_tokens_are_chosen():
    table, schema = make_table("text")
    for tokens, n in (("words", N_WORDS), ("characters", N_CHARACTERS)):
        text = f"ridge(tfidf(X, tokens='{tokens}'))"
        assert before_learner(text, table, schema).shape[1] == N_ONE_HOT + N_NUMBERS + n
    few = before_learner("lightgbm(text_svd(X, n_components=10))", table, schema)
    assert few.shape[1] == schema.n_leading + 20


def test_the_other_tokens_stand_in_for_absent_ones():
    schema = Schema(7, n_words=7)
    assert token_blocks(schema, "characters") == [("words", slice(0, 7))]
    schema = Schema(9, n_words=2, n_characters=4)
    assert token_blocks(schema, "characters") == [("characters", slice(5, 9))]
    assert token_blocks(schema) == [("words", slice(3, 5)), ("characters", slice(5, 9))]
    assert n_dense_columns(schema) == 9
    assert n_dense_columns(Schema(1000, n_words=900)) == 100 + N_COMPONENTS
    assert n_dense_columns(Schema(1000, sparse=True)) == 1000


def test_directions_beyond_the_rank_are_zero_also_when_scaled():
    """Otherwise rounding errors of the training rows would be scaled to one."""
    rng = np.random.default_rng(0)
    topics = rng.poisson(1.0, size=(4, 200)).astype(float)
    table = sparse.csr_matrix(topics[rng.integers(4, size=60)])
    schema = Schema(200, nonnegative=True, n_words=200)
    pipeline = compiled("k_neighbors(standard_scaler(X))", schema)
    before = pipeline[:-1].fit_transform(table)
    assert np.linalg.matrix_rank(before) <= 4
    new = sparse.csr_matrix(rng.poisson(1.0, size=(20, 200)).astype(float))
    assert np.abs(pipeline[:-1].transform(new)).max() < 100


@pytest.mark.parametrize("n_words, n_characters", [(1, 0), (2, 1), (0, 3)])
def test_a_few_tokens_are_enough(n_words, n_characters):
    n = n_words + n_characters
    table = sparse.csr_matrix(np.random.default_rng(0).integers(2, size=(40, n)) * 1.0)
    schema = schema_of(table, n_words=n_words, n_characters=n_characters)
    y = np.arange(40) % 3
    for text in ("lightgbm(X)", "ridge(X)", "k_neighbors(standard_scaler(X))"):
        compiled(text, schema).fit(table, y)


def test_a_table_without_text_compiles_as_before():
    for kind in ("mixed", "sparse", "dense"):
        _, schema = make_table(kind)
        for prepared in ("tfidf(X)", "text_svd(X)"):
            plain = compiled("ridge(X)", schema)
            assert str(compiled(f"ridge({prepared})", schema)) == str(plain)


def test_missing_values_of_new_rows_are_filled_in_all_columns_before_the_text():
    table, schema = make_table("text")
    complete = replace(schema, missing=tuple(range(schema.n_leading)))
    new = table[:5].tolil()
    new[:, : schema.n_leading] = np.nan
    y = make_target(table, CLASSIFICATION)
    for text in ("ridge(X)", "lda(X)", "gradient_boosting(X)"):
        pipeline = compiled(text, complete).fit(table, y)
        assert np.isfinite(pipeline.predict(new.tocsr())).all()
