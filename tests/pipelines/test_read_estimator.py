"""From estimators back to trees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from sklearn_meta.exceptions import InvalidPipelineError
from sklearn_meta.pipelines import (
    Schema,
    SearchSpace,
    compile_pipeline,
    default_catalog,
    format_tree,
    parse,
    read_estimator,
)
from sklearn_meta.pipelines._text import canonical_node
from sklearn_meta.pipelines._tree import X

TASKS = ("classification", "regression")
CATALOGS = {task: default_catalog(task) for task in TASKS}
# A table of numbers, in which nothing has to be prepared; as wide as the catalog's
# operators can tell apart.
SCHEMA = Schema(n_features=50)

# Prepare categories, missing values or text, of which this table has none: they compile
# to nothing.
NOT_READ = {
    "one_hot",
    "ordinal",
    "target_encode",
    "drop_categories",
    "impute",
    "tfidf",
    "text_svd",
}
# A matter of the evaluation, not of the estimator.
NOT_IN_ESTIMATOR = {("lightgbm", "early_stopping")}

OPERATORS = [
    (task, operator)
    for task in TASKS
    for operator in CATALOGS[task]
    if operator.name not in NOT_READ
]


def compiled(tree, task, schema=SCHEMA):
    return compile_pipeline(
        tree, schema, catalog=CATALOGS[task],
        n_classes=2 if task == "classification" else 1, random_state=0,
    )  # fmt: skip


def read(estimator, task="classification", catalog=None):
    catalog = CATALOGS[task] if catalog is None else catalog
    return format_tree(read_estimator(estimator, catalog=catalog))


def tree_of(operator, task, params):
    def node(name, inputs, params=()):
        return canonical_node(name, inputs, params, CATALOGS[task])

    plain = "logistic_regression" if task == "classification" else "ridge"
    if operator.kind == "learner":
        return node(operator.name, [X], params)
    if operator.kind == "wrapper":
        return node(operator.name, [node(plain, [X])], params)
    return node(plain, [node(operator.name, [X], params)])


@pytest.mark.parametrize(
    ("task", "operator"), OPERATORS, ids=[f"{t}-{o.name}" for t, o in OPERATORS]
)
def test_every_operator_is_read_back(task, operator):
    rng = np.random.default_rng(0)
    for share in (0.0, 0.5, 1.0):
        params = [
            (h.name, h.sample(rng))
            for h in operator.hyperparameters
            if rng.random() < share and (operator.name, h.name) not in NOT_IN_ESTIMATOR
        ]
        tree = tree_of(operator, task, params)
        back = read_estimator(compiled(tree, task), catalog=CATALOGS[task])
        assert format_tree(back) == format_tree(tree)


@pytest.mark.parametrize(
    ("task", "text"),
    [
        ("classification", "svc(union(pca(standard_scaler(X), n_components=0.5), X))"),
        ("classification", "calibrated(gaussian_nb(standard_scaler(X)))"),
        (
            "classification",
            "logistic_regression(stack(svc(X, C=3.0), bagging(decision_tree(X))))",
        ),
        ("regression", "transformed_target(ridge(splines(X)), transformer='asinh')"),
        ("regression", "ridge(feature_agglomeration(fast_ica(X)), alpha=3.0)"),
        ("regression", "ridge(stack(lasso(pca(X)), svr(X)), alpha=3.0)"),
    ],
)
def test_nested_pipelines_are_read_back(task, text):
    tree = parse(text, catalog=CATALOGS[task])
    assert read(compiled(tree, task), task) == format_tree(tree)


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent"])
@pytest.mark.parametrize("indicator", [False, True])
def test_imputation_is_read_where_something_is_missing(strategy, indicator):
    text = f"ridge(impute(X, indicator={indicator}, strategy={strategy!r}))"
    tree = parse(text, catalog=CATALOGS["regression"])
    schema = Schema(n_features=5, missing=(0, 1))
    back = read(compiled(tree, "regression", schema), "regression")
    if (strategy, indicator) == ("median", False):
        # What the compiler puts in by itself.
        assert back == "ridge(X)"
    else:
        assert back == format_tree(tree)


@pytest.mark.parametrize(
    ("task", "estimator", "text"),
    [
        ("classification", SVC(C=10), "svc(X, C=10.0)"),
        ("classification", SVC(gamma=0.01), "svc(X, gamma=0.01)"),
        ("classification", MLPClassifier(), "mlp(X, layer_size=100)"),
        (
            "classification",
            MLPClassifier((32, 32)),
            "mlp(X, layer_size=32, n_layers=2)",
        ),
        (
            "classification",
            LGBMClassifier(num_leaves=5, n_jobs=2, random_state=3),
            "lightgbm(X, num_leaves=5)",
        ),
        (
            "classification",
            make_pipeline(
                SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500)
            ),
            "logistic_regression(standard_scaler(impute(X, indicator=False, "
            "strategy='mean')))",
        ),
        (
            "classification",
            Pipeline([("a", "passthrough"), ("b", LogisticRegression(C=0.5))]),
            "logistic_regression(X, C=0.5)",
        ),
        (
            "classification",
            make_pipeline(
                FeatureUnion([("a", PCA(0.9)), ("b", "passthrough")]),
                LogisticRegression(),
            ),
            "logistic_regression(union(pca(X, n_components=0.9), X))",
        ),
        (
            "classification",
            CalibratedClassifierCV(RandomForestClassifier()),
            "calibrated(random_forest(X))",
        ),
        (
            "classification",
            StackingClassifier(
                [("a", LogisticRegression()), ("b", make_pipeline(PCA(0.5), SVC()))],
                LogisticRegression(C=2),
            ),
            "logistic_regression(stack(logistic_regression(X), "
            "svc(pca(X, n_components=0.5))), C=2.0)",
        ),
        ("regression", HistGradientBoostingRegressor(), "hist_gradient_boosting(X)"),
        (
            "regression",
            TransformedTargetRegressor(Lasso(alpha=0.1), transformer=StandardScaler()),
            "lasso(X, alpha=0.1)",
        ),
    ],
)
def test_what_people_write_is_understood(task, estimator, text):
    assert read(estimator, task) == text


@pytest.mark.parametrize(
    ("task", "estimator", "message"),
    [
        ("classification", RandomForestClassifier(max_depth=3), "max_depth.*Got 3"),
        (
            "classification",
            make_pipeline(PCA(n_components=2), LogisticRegression()),
            r"Step 'pca' \(PCA\).*n_components must be in \[0.3, 0.999\]. Got 2",
        ),
        ("classification", LogisticRegression(C=1e9), "C must be in .*Got 1000000000"),
        (
            "classification",
            VotingClassifier([("a", SVC())]),
            "VotingClassifier is no op",
        ),
        (
            "classification",
            make_union(PCA(0.9), PCA(0.8)),
            "FeatureUnion is no operator",
        ),
        ("classification", Ridge(), "Ridge is no operator"),
        ("classification", "svc(X)", "must be a scikit-learn estimator"),
        ("regression", SVR(), "SVR is no operator.*TransformedTargetRegressor"),
        (
            "regression",
            make_pipeline(ColumnTransformer([]), Ridge()),
            "'columntransformer'.*Leave it out",
        ),
        (
            "classification",
            make_pipeline(PCA(0.5), CalibratedClassifierCV(RandomForestClassifier())),
            "wrapper with steps before it",
        ),
        (
            "classification",
            StackingClassifier([("a", SVC()), ("b", LogisticRegression())]),
            "final_estimator.*Got None",
        ),
    ],
)
def test_what_cannot_be_expressed_is_named(task, estimator, message):
    with pytest.raises(InvalidPipelineError, match=message):
        read(estimator, task)


def test_only_operators_of_the_search_space_are_known():
    catalog = SearchSpace(exclude=("svc",)).catalog("classification")
    with pytest.raises(InvalidPipelineError, match="SVC is no operator"):
        read(SVC(), catalog=catalog)


def test_an_estimator_is_left_as_it_was():
    estimator = make_pipeline(PCA(0.5), SVC(C=3))
    before = repr(estimator.get_params())
    read(estimator)
    assert repr(estimator.get_params()) == before


@settings(max_examples=25)
@given(st.floats(1e-4, 1e3), st.sampled_from([None, "balanced"]))
def test_any_value_in_the_range_is_kept(C, class_weight):
    estimator = LogisticRegression(C=C, class_weight=class_weight)
    tree = read_estimator(estimator, catalog=CATALOGS["classification"])
    assert tree.param("C", 1.0) == C
    assert tree.param("class_weight") == class_weight
