"""Pipelines for small tables: a grid of penalties by orders of magnitude.

On a few hundred rows, regularized linear models, kernels, Gaussian processes and smooth
functions of single columns win in log loss and squared error as often as trees do, and
the best penalty differs by orders of magnitude. Their fits are cheap.
"""

S = "standard_scaler(X)"
Q = "quantile_transform(X)"
P = "power_transform(X)"
SPLINES = f"splines({S}, n_knots={{}})"
SQUARES = f"union({S}, polynomial({S}))"

CLASSIFICATION = (
    *(f"logistic_regression({S}, C={c})" for c in (0.001, 0.01, 0.1, 1.0, 10.0, 300.0)),
    *(f"logistic_regression({S}, C={c}, l1_ratio=1.0)" for c in (0.05, 2.0)),
    *(f"logistic_regression({Q}, C={c})" for c in (0.1, 1.0, 10.0)),
    *(f"logistic_regression({P}, C={c})" for c in (0.3, 10.0)),
    *(
        f"logistic_regression({SPLINES.format(n)}, C={c})"
        for n, c in ((3, 3.0), (4, 0.1), (5, 10.0), (8, 0.3))
    ),
    *(f"logistic_regression({SQUARES}, C={c})" for c in (0.003, 0.1, 3.0)),
    "logistic_regression(k_bins(X, n_bins=4), C=0.3)",
    "logistic_regression(random_trees_embedding(X, max_depth=4), C=0.03)",
    *(
        f"logistic_regression(nystroem({S}, gamma={g}, n_components=150), C={c})"
        for g, c in ((0.01, 30.0), (0.1, 3.0))
    ),
    f"logistic_regression(union({S}, kmeans({S}, n_clusters=16)), C=1.0)",
    f"logistic_regression(pca({S}), C=0.3)",
    f"logistic_regression(select_percentile({S}, percentile=30), C=1.0)",
    f"logistic_regression(select_by_l1({S}, C=0.1), C=3.0)",
    f"logistic_regression({S}, C=0.3, class_weight='balanced')",
    *(
        f"svc({S}, C={c}, gamma={g})"
        for c, g in ((100.0, 0.003), (10.0, 0.01), (1.0, 0.1), (0.3, 0.03))
    ),
    f"svc({S}, C=1.0, kernel='poly', degree=2)",
    f"svc({P}, C=30.0)",
    *(f"lda({S}, shrinkage={s!r})" for s in (None, 0.1, 0.5)),
    f"lda(union({S}, polynomial({S})))",
    f"lda({SPLINES.format(4)})",
    *(f"qda({S}, shrinkage={s})" for s in (0.01, 0.3)),
    f"calibrated(qda({P}, shrinkage=0.03))",
    "gaussian_nb(X, var_smoothing=0.03)",
    f"calibrated(gaussian_nb({Q}), method='isotonic')",
    "bernoulli_nb(k_bins(X, n_bins=6))",
    f"calibrated(k_neighbors({S}, n_neighbors=40, weights='distance'))",
    f"calibrated(k_neighbors({Q}, n_neighbors=8, p=1))",
    f"k_neighbors({S}, n_neighbors=30)",
    f"gaussian_process({S}, kernel='matern')",
    f"gaussian_process({Q})",
    "lightgbm(X, colsample_bytree=0.7, learning_rate=0.05, min_child_samples=5,"
    " n_estimators=80, num_leaves=6, subsample=0.7)",
    "lightgbm(X, colsample_bytree=0.5, learning_rate=0.03, min_child_samples=10,"
    " n_estimators=150, num_leaves=4, subsample=0.7)",
    "lightgbm(X, colsample_bytree=0.6, learning_rate=0.05, min_child_samples=3,"
    " n_estimators=200, num_leaves=12, reg_lambda=10.0, subsample=0.8)",
    "lightgbm(X, colsample_bytree=0.7, extra_trees=True, learning_rate=0.08,"
    " min_child_samples=2, n_estimators=150, num_leaves=10)",
    "lightgbm(X, learning_rate=0.1, n_estimators=60, num_leaves=3)",
    "gradient_boosting(X, learning_rate=0.05, max_depth=3, max_features=0.5,"
    " min_samples_leaf=5, subsample=0.7)",
    "gradient_boosting(X, learning_rate=0.1, max_depth=2, max_features=0.5,"
    " subsample=0.6)",
    "random_forest(X, min_samples_leaf=2, max_features=0.25)",
    "random_forest(X, min_samples_leaf=6)",
    "extra_trees(X, min_samples_leaf=1, max_features=1.0)",
    "extra_trees(X, min_samples_leaf=4)",
    "extra_trees(X, min_samples_leaf=10, max_features=1.0)",
    "extra_trees(union(X, pca(X)), min_samples_leaf=2, max_features=0.5)",
    "calibrated(random_forest(X, max_features=0.5), method='isotonic')",
    "calibrated(ada_boost(X, learning_rate=0.3))",
    "random_forest(X, min_samples_leaf=4, class_weight='balanced')",
    *(
        f"mlp({S}, alpha={a}, layer_size={n}, learning_rate_init={r})"
        for a, n, r in ((3.0, 64, 0.003), (1.0, 24, 0.01))
    ),
    f"mlp({S}, activation='tanh', alpha=0.3, layer_size=32)",
    f"mlp({Q}, alpha=0.01, layer_size=48, n_layers=2, early_stopping=True)",
    f"bagging(qda({S}, shrinkage=0.1))",
    f"bagging(svc({S}, C=3.0), n_estimators=5)",
    f"logistic_regression(stack(logistic_regression({S}, C=0.3),"
    " lightgbm(X, learning_rate=0.08, n_estimators=60, num_leaves=6),"
    f" gaussian_nb({Q})), C=1.0)",
    f"logistic_regression(stack(logistic_regression({SPLINES.format(5)}, C=0.3),"
    f" lda({S}), extra_trees(X, min_samples_leaf=3, n_estimators=60)), C=0.3)",
)

REGRESSION = (
    *(f"ridge({S}, alpha={a})" for a in (0.01, 1.0, 10.0, 100.0, 1000.0)),
    *(f"ridge({Q}, alpha={a})" for a in (1.0, 30.0)),
    *(
        f"ridge({SPLINES.format(n)}, alpha={a})"
        for n, a in ((3, 0.3), (5, 30.0), (8, 3.0), (10, 30.0))
    ),
    *(f"ridge({SQUARES}, alpha={a})" for a in (1.0, 10.0, 300.0)),
    *(f"lasso({S}, alpha={a})" for a in (0.003, 0.01, 0.1)),
    f"lasso({SQUARES}, alpha=0.01)",
    f"lasso({SPLINES.format(6)}, alpha=0.003)",
    f"elastic_net({S}, alpha=0.1)",
    f"ard({SPLINES.format(4)})",
    f"transformed_target(ridge({S}, alpha=3.0))",
    f"transformed_target(ridge({S}, alpha=3.0), transformer='asinh')",
    f"transformed_target(ridge({SPLINES.format(5)}, alpha=3.0))",
    f"transformed_target(ridge({SPLINES.format(5)}, alpha=3.0), transformer='asinh')",
    f"transformed_target(svr({S}, C=3.0))",
    f"transformed_target(svr({Q}, C=3.0), transformer='asinh')",
    f"transformed_target(gaussian_process({S}))",
    *(
        f"svr({S}, C={c}, gamma={g}, epsilon={e})"
        for c, g, e in ((100.0, 0.003, 0.1), (30.0, 0.03, 0.05), (3.0, 0.1, 0.2))
    ),
    f"nu_svr({P}, C=10.0)",
    *(
        f"kernel_ridge({S}, alpha={a}, gamma={g})"
        for a, g in ((0.01, 0.01), (0.3, 0.05), (1.0, 0.1))
    ),
    f"kernel_ridge({Q}, alpha=0.1, kernel='laplacian', gamma=0.03)",
    f"gaussian_process({P}, kernel='matern')",
    f"ridge(nystroem({S}, gamma=0.02, n_components=200), alpha=0.01)",
    f"ridge(union({S}, kmeans({S}, n_clusters=16)), alpha=3.0)",
    "ridge(random_trees_embedding(X, max_depth=4), alpha=10.0)",
    f"ridge(select_by_l1({S}), alpha=1.0)",
    "ridge(k_bins(X, n_bins=6), alpha=3.0)",
    f"ridge(pca({S}), alpha=3.0)",
    f"partial_least_squares({S}, n_components=2)",
    f"partial_least_squares({SQUARES}, n_components=6)",
    f"k_neighbors({Q}, n_neighbors=5, weights='distance', p=1)",
    f"k_neighbors({S}, n_neighbors=20)",
    "lightgbm(X, colsample_bytree=0.7, learning_rate=0.05, min_child_samples=5,"
    " n_estimators=120, num_leaves=6, subsample=0.7)",
    "lightgbm(X, colsample_bytree=0.5, learning_rate=0.05, min_child_samples=8,"
    " n_estimators=200, num_leaves=4, subsample=0.7)",
    "lightgbm(X, colsample_bytree=0.6, learning_rate=0.05, min_child_samples=3,"
    " n_estimators=250, num_leaves=12, reg_lambda=10.0, subsample=0.8)",
    "lightgbm(X, colsample_bytree=0.7, extra_trees=True, learning_rate=0.08,"
    " min_child_samples=2, n_estimators=200, num_leaves=10)",
    "transformed_target(lightgbm(X, colsample_bytree=0.7, learning_rate=0.05,"
    " min_child_samples=5, n_estimators=120, num_leaves=6, subsample=0.7),"
    " transformer='asinh')",
    "gradient_boosting(X, learning_rate=0.05, max_depth=3, max_features=0.5,"
    " min_samples_leaf=3, subsample=0.7)",
    "gradient_boosting(X, learning_rate=0.1, max_depth=2, max_features=0.5,"
    " subsample=0.6)",
    "gradient_boosting(X, learning_rate=0.05, loss='huber', max_depth=4,"
    " max_features=0.5, min_samples_leaf=3, subsample=0.7)",
    "random_forest(X, max_features=0.5, min_samples_leaf=5)",
    "extra_trees(X, max_features=0.5)",
    "extra_trees(X, min_samples_leaf=4)",
    "extra_trees(union(X, pca(X)), max_features=0.5, min_samples_leaf=2)",
    "transformed_target(random_forest(X, max_features=0.5, min_samples_leaf=2))",
    f"mlp({S}, alpha=3.0, layer_size=32, learning_rate_init=0.01)",
    f"mlp({S}, activation='tanh', alpha=0.3, layer_size=48, learning_rate_init=0.01)",
    f"bagging(svr({S}, C=10.0), n_estimators=5)",
    f"ridge(stack(ridge({SPLINES.format(5)}, alpha=3.0),"
    " lightgbm(X, learning_rate=0.08, n_estimators=80, num_leaves=6),"
    f" svr({S})), alpha=1.0)",
    f"ridge(stack(ridge({S}), k_neighbors({S}, n_neighbors=8, weights='distance'),"
    " extra_trees(X, min_samples_leaf=2, n_estimators=60)), alpha=1.0)",
)

GRID = {"classification": CLASSIFICATION, "regression": REGRESSION}
