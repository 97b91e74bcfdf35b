"""Pipelines of the fixed portfolio, as texts.

The settings of LightGBM, forests and extra trees are those on which the published
portfolios of AutoGluon and FLAML agree, made smaller for budgets of a minute. The
others are from the published pipelines of auto-sklearn, and settings that do well in
log loss and squared error on small tables. Cheap pipelines come first, and the first
eight are of different families: an ensemble needs members that err differently.
"""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning._prior import Proposal
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import parse

_CLASSIFICATION = (
    # One of each family, cheap ones first.
    "logistic_regression(standard_scaler(X), C=0.3)",
    "lightgbm(X, colsample_bytree=0.7, early_stopping=True, learning_rate=0.05,"
    " n_estimators=1000, num_leaves=15, subsample=0.8)",
    "extra_trees(X, max_features=0.5, min_samples_leaf=2, n_estimators=200)",
    "svc(standard_scaler(X))",
    "hist_gradient_boosting(X, l2_regularization=1.0, learning_rate=0.05,"
    " max_features=0.5, max_iter=150, max_leaf_nodes=8)",
    "bagged_mlp(X)",
    "random_forest(X, criterion='entropy', min_samples_leaf=3, n_estimators=200)",
    "calibrated(k_neighbors(standard_scaler(X), n_neighbors=15, weights='distance'))",
    # Cheap on small tables, where the best penalty differs by orders of magnitude.
    "logistic_regression(standard_scaler(X), C=3.0)",
    "lda(standard_scaler(X))",
    "logistic_regression(standard_scaler(X), C=0.03)",
    "logistic_regression(standard_scaler(X), C=30.0)",
    "svc(standard_scaler(X), C=10.0)",
    # Boosting: random splits; slow and regularized; large trees.
    "lightgbm(X, colsample_bytree=0.5, early_stopping=True, extra_trees=True,"
    " learning_rate=0.05, min_child_samples=6, n_estimators=1500, num_leaves=31)",
    "lightgbm(X, colsample_bytree=0.6, early_stopping=True, learning_rate=0.02,"
    " min_child_samples=10, n_estimators=2000, num_leaves=53, subsample=0.8)",
    "lightgbm(X, colsample_bytree=0.8, early_stopping=True, learning_rate=0.04,"
    " n_estimators=2000, num_leaves=127)",
    # Smooth functions of single columns.
    "logistic_regression(splines(standard_scaler(X), n_knots=5), C=1.0)",
    "lda(quantile_transform(X))",
    "logistic_regression(k_bins(X, n_bins=8), C=0.5)",
    "logistic_regression(union(standard_scaler(X),"
    " polynomial(standard_scaler(X), interaction_only=True)), C=0.01)",
    "svc(quantile_transform(X), C=4.0)",
    "calibrated(gaussian_nb(power_transform(X), var_smoothing=0.01))",
    "lightgbm(X, class_weight='balanced', colsample_bytree=0.5, early_stopping=True,"
    " learning_rate=0.03, n_estimators=1500, num_leaves=16, reg_lambda=10.0)",
    "logistic_regression(standard_scaler(target_encode(X)), C=0.3)",
    "lightgbm(target_encode(X), colsample_bytree=0.7, early_stopping=True,"
    " learning_rate=0.05, n_estimators=1000, num_leaves=8)",
    "extra_trees(one_hot(X), criterion='entropy', max_features=0.75,"
    " min_samples_leaf=4, n_estimators=200)",
    "logistic_regression(standard_scaler(X), C=0.2, l1_ratio=1.0)",
    "gaussian_process(standard_scaler(X))",
    "bagged_mlp(X, n_bins=0)",
    "mlp(standard_scaler(X), alpha=0.1, layer_size=64)",
    "mlp(quantile_transform(X), activation='tanh', alpha=1.0, layer_size=128,"
    " learning_rate_init=0.003)",
    "logistic_regression(nystroem(standard_scaler(X), n_components=200), C=3.0)",
    "calibrated(qda(pca(standard_scaler(X))), method='temperature')",
    "calibrated(extra_trees(X, max_features=0.75, n_estimators=200))",
    "lightgbm(X, early_stopping=True, learning_rate=0.1, min_child_samples=3,"
    " n_estimators=1000, num_leaves=4)",
    "random_forest(X, max_features=0.5, min_samples_leaf=10, n_estimators=200)",
    "logistic_regression(stack("
    "svc(standard_scaler(X)),"
    " extra_trees(X, min_samples_leaf=2),"
    " logistic_regression(standard_scaler(X), C=0.3)), C=1.0)",
)

_REGRESSION = (
    # One of each family, cheap ones first.
    "ridge(standard_scaler(X), alpha=3.0)",
    "lightgbm(X, colsample_bytree=0.7, early_stopping=True, learning_rate=0.05,"
    " min_child_samples=10, n_estimators=1000, num_leaves=15, subsample=0.8)",
    "extra_trees(X, max_features=0.75, min_samples_leaf=2, n_estimators=200)",
    "svr(standard_scaler(X), C=1.0)",
    "random_forest(X, max_features=0.5, min_samples_leaf=2, n_estimators=150)",
    "ridge(splines(standard_scaler(X), n_knots=5), alpha=3.0)",
    "kernel_ridge(standard_scaler(X), alpha=0.1, kernel='laplacian')",
    "bagged_mlp(X)",
    # Cheap on small tables, where the best penalty differs by orders of magnitude.
    "ridge(standard_scaler(X), alpha=30.0)",
    "bayesian_ridge(standard_scaler(X))",
    "lasso(standard_scaler(X), alpha=0.03)",
    "svr(standard_scaler(X), C=10.0)",
    # Boosting with random splits, slow and regularized; a skewed target.
    "lightgbm(X, colsample_bytree=0.6, early_stopping=True, extra_trees=True,"
    " learning_rate=0.05, min_child_samples=6, n_estimators=1500, num_leaves=31)",
    "transformed_target(gradient_boosting(X, learning_rate=0.08, max_depth=4,"
    " max_features=0.5, min_samples_leaf=3, n_estimators=150, subsample=0.7))",
    "elastic_net(standard_scaler(X), alpha=0.01)",
    "hist_gradient_boosting(X, l2_regularization=1.0, learning_rate=0.05,"
    " max_features=0.5, max_iter=200, max_leaf_nodes=8)",
    "lightgbm(X, colsample_bytree=0.6, early_stopping=True, learning_rate=0.02,"
    " min_child_samples=6, n_estimators=2000, num_leaves=53, subsample=0.8)",
    "lightgbm(X, colsample_bytree=0.8, early_stopping=True, learning_rate=0.04,"
    " n_estimators=2000, num_leaves=127)",
    "svr(quantile_transform(X), C=10.0, epsilon=0.05)",
    "ridge(polynomial(standard_scaler(X)), alpha=30.0)",
    "gaussian_process(standard_scaler(X), kernel='matern')",
    "transformed_target(ridge(quantile_transform(X), alpha=3.0))",
    "k_neighbors(standard_scaler(X), n_neighbors=8, weights='distance')",
    "lightgbm(target_encode(X), colsample_bytree=0.7, early_stopping=True,"
    " learning_rate=0.05, n_estimators=1000, num_leaves=8)",
    "ridge(standard_scaler(target_encode(X)), alpha=3.0)",
    "transformed_target(lightgbm(X, colsample_bytree=0.7, learning_rate=0.05,"
    " min_child_samples=10, n_estimators=250, num_leaves=15, subsample=0.8))",
    "transformed_target(extra_trees(X, max_features=0.75, min_samples_leaf=2,"
    " n_estimators=200), transformer='asinh')",
    "extra_trees(one_hot(X), min_samples_leaf=1, n_estimators=200)",
    "ridge(nystroem(standard_scaler(X), n_components=200), alpha=0.1)",
    "kernel_ridge(power_transform(X), alpha=0.03, gamma=0.03)",
    "huber(standard_scaler(X), epsilon=1.5)",
    "bagged_mlp(X, n_bins=0)",
    "mlp(standard_scaler(X), alpha=0.1, layer_size=64, learning_rate_init=0.003)",
    "mlp(quantile_transform(X), alpha=1.0, layer_size=128, learning_rate_init=0.003,"
    " n_layers=2)",
    "lightgbm(X, early_stopping=True, learning_rate=0.1, min_child_samples=3,"
    " n_estimators=1000, num_leaves=4)",
    "ridge(stack("
    "svr(standard_scaler(X), C=3.0),"
    " extra_trees(X, min_samples_leaf=2),"
    " ridge(standard_scaler(X))), alpha=1.0)",
)

_TEXTS = {CLASSIFICATION: _CLASSIFICATION, REGRESSION: _REGRESSION}

# MAML was meta-trained on tables of some dozens of rows: it is proposed for small
# tables only (of eight with 103 to 272 rows, it was in no final combination), and late
# enough for a short search to end without importing torch.
_ON_FEW_ROWS = ("maml(X)",)
FEW_ROWS = 150
FEW_ROWS_PLACE = 12


def default_portfolio(catalog: Catalog, n_samples=None) -> tuple[Proposal, ...]:
    """Return the fixed portfolio of a task.

    Parameters
    ----------
    catalog : Catalog
        Operators that pipelines may use. Pipelines with another operator, or with a
        value that the catalog does not allow, are left out.
    n_samples : int or None, default=None
        Number of rows of the table. Up to 150 rows, MAML is included.

    Returns
    -------
    portfolio : tuple of Proposal
    """
    texts = list(_TEXTS[catalog.task])
    if n_samples is not None and n_samples <= FEW_ROWS:
        texts[FEW_ROWS_PLACE:FEW_ROWS_PLACE] = _ON_FEW_ROWS
    portfolio = []
    for text in texts:
        try:
            tree = parse(text, catalog=catalog)
        except PipelineSyntaxError:
            # A search space without one of the operators, or with another one of that
            # name. A test parses all texts with the default catalog.
            continue
        portfolio.append(Proposal(tree))
    return tuple(portfolio)
