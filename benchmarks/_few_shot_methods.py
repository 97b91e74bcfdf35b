"""Methods of the few-shot benchmark, as estimators for data frames.

MAML and LightGBM take data frames directly. For the other methods, missing numbers are
imputed by the median and scaled to unit variance, and categories are one-hot encoded;
forests get category codes. Hyperparameters are tuned by cross-validation on the
training rows.
"""

from __future__ import annotations

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR

from benchmarks._systems import NUMBERS, OTHERS
from benchmarks._tables import CLASSIFICATION, REGRESSION

N_FOLDS = 5
# Grid of the number of gradient steps from a random initialization.
RANDOM_STEPS = (5, 20, 100)
N_FOLDS_RANDOM = 3
NETWORKS = ("maml", "maml_random")


def folds(task, y, seed, n_folds=N_FOLDS):
    """Return a splitter, stratified, with at most as many folds as rows of a class."""
    if task == REGRESSION:
        return KFold(min(n_folds, len(y)), shuffle=True, random_state=seed)
    smallest = np.unique(y, return_counts=True)[1].min()
    return StratifiedKFold(min(n_folds, smallest), shuffle=True, random_state=seed)


def _tuned(estimator, grid, task, y, seed, n_folds=N_FOLDS):
    """Return a grid search."""
    scoring = "neg_log_loss" if task == CLASSIFICATION else "neg_mean_squared_error"
    cv = folds(task, y, seed, n_folds)
    return GridSearchCV(estimator, grid, scoring=scoring, cv=cv)


def _prepared(learner):
    """Return a pipeline that imputes, scales and one-hot encodes."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    levels = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=50, sparse_output=False
    )
    return make_pipeline(
        make_column_transformer((numbers, NUMBERS), (levels, OTHERS)), learner
    )


def _coded(learner):
    """Return a pipeline that imputes and encodes categories as codes."""
    codes = OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )
    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(
        make_column_transformer((imputer, NUMBERS), (codes, OTHERS)), learner
    )


def maml(task, y, seed):
    """Return MAML with its defaults."""
    from sklearn_meta.maml import MAMLClassifier, MAMLRegressor

    kind = MAMLClassifier if task == CLASSIFICATION else MAMLRegressor
    return kind(init="meta", device="cpu", random_state=seed)


def maml_random(task, y, seed):
    """Return the network with random initialization and a tuned number of steps."""
    from sklearn_meta.maml import MAMLClassifier, MAMLRegressor

    kind = MAMLClassifier if task == CLASSIFICATION else MAMLRegressor
    # From random parameters, the head alone is not enough.
    network = kind(init="random", fine_tune="all", device="cpu", random_state=seed)
    grid = {"n_adaptation_steps": list(RANDOM_STEPS)}
    return _tuned(network, grid, task, y, seed, N_FOLDS_RANDOM)


def logistic_regression(task, y, seed):
    """Return a logistic regression with its defaults."""
    return _prepared(LogisticRegression(max_iter=1000))


def logistic_regression_cv(task, y, seed):
    """Return a logistic regression with a tuned penalty."""
    grid = {"C": np.logspace(-3, 2, 11)}
    return _prepared(_tuned(LogisticRegression(max_iter=1000), grid, task, y, seed))


def k_nn(task, y, seed):
    """Return k-nearest neighbors with tuned k."""
    kind = KNeighborsClassifier if task == CLASSIFICATION else KNeighborsRegressor
    smallest_fold = int(len(y) * (1 - 1 / N_FOLDS))
    grid = {"n_neighbors": [k for k in (1, 3, 5, 9, 15) if k <= smallest_fold]}
    return _prepared(_tuned(kind(), grid, task, y, seed))


class SoftmaxSVC(ClassifierMixin, BaseEstimator):
    """SVM whose probabilities are the softmax of its scaled decision values.

    Platt scaling on the cross-validated decision values of ten rows often has the wrong
    sign; the scale, which is tuned with the penalty, is positive.
    """

    def __init__(self, C=1.0, scale=1.0):
        self.C = C
        self.scale = scale

    def fit(self, X, y):
        self.svc_ = SVC(C=self.C).fit(X, y)
        self.classes_ = self.svc_.classes_
        return self

    def predict_proba(self, X):
        values = self.svc_.decision_function(X)
        if values.ndim == 1:
            values = np.column_stack([-values, values])
        return softmax(self.scale * values, axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def svm(task, y, seed):
    """Return a tuned SVM with RBF kernel."""
    grid = {"C": [0.3, 1.0, 3.0, 10.0, 30.0]}
    if task == REGRESSION:
        return _scaled_target(_prepared(_tuned(SVR(), grid, task, y, seed)))
    grid["scale"] = [0.3, 1.0, 3.0]
    return _prepared(_tuned(SoftmaxSVC(), grid, task, y, seed))


def _scaled_target(estimator):
    """Return a regressor of the standardized target."""
    return TransformedTargetRegressor(estimator, transformer=StandardScaler())


def gaussian_nb(task, y, seed):
    """Return Gaussian naive Bayes."""
    return _prepared(GaussianNB(var_smoothing=1e-3))


def lda(task, y, seed):
    """Return linear discriminant analysis with Ledoit-Wolf shrinkage."""
    return _prepared(LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))


def random_forest(task, y, seed):
    """Return a random forest of 300 trees."""
    kind = RandomForestClassifier if task == CLASSIFICATION else RandomForestRegressor
    return _coded(kind(n_estimators=300, random_state=seed))


def lightgbm(task, y, seed):
    """Return LightGBM with its defaults."""
    return _lightgbm(task, seed)


def lightgbm_small(task, y, seed):
    """Return LightGBM with small leaves, shallow trees and a low learning rate."""
    return _lightgbm(task, seed, min_child_samples=3, max_depth=3, learning_rate=0.05)


def _lightgbm(task, seed, **parameters):
    """Return LightGBM on one thread."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    kind = LGBMClassifier if task == CLASSIFICATION else LGBMRegressor
    return kind(random_state=seed, n_jobs=1, verbosity=-1, **parameters)


def mlp(task, y, seed):
    """Return the MLP of scikit-learn, trained to convergence."""
    if task == CLASSIFICATION:
        return _prepared(MLPClassifier(max_iter=1000, random_state=seed))
    return _scaled_target(_prepared(MLPRegressor(max_iter=1000, random_state=seed)))


def bagged_mlp(task, y, seed):
    """Return the bagged MLP of the package with its defaults."""
    from sklearn_meta.mlp import BaggedMLPClassifier, BaggedMLPRegressor

    kind = BaggedMLPClassifier if task == CLASSIFICATION else BaggedMLPRegressor
    return _prepared(kind(random_state=seed))


def ridge_cv(task, y, seed):
    """Return a ridge regression with the penalty tuned by leave-one-out."""
    return _prepared(RidgeCV(np.logspace(-3, 4, 22)))


def gaussian_process(task, y, seed):
    """Return a Gaussian process (RBF, noise) fitted by marginal likelihood."""
    kernel = ConstantKernel(1.0, (1e-3, 1e3)) * RBF(3.0, (0.1, 1e3)) + WhiteKernel(
        0.3, (1e-4, 10.0)
    )
    process = GaussianProcessRegressor(
        kernel, normalize_y=True, n_restarts_optimizer=1, random_state=seed
    )
    return _prepared(process)


METHODS = {
    CLASSIFICATION: {
        "maml": maml,
        "maml_random": maml_random,
        "logistic_regression": logistic_regression,
        "logistic_regression_cv": logistic_regression_cv,
        "k_nn": k_nn,
        "svm": svm,
        "gaussian_nb": gaussian_nb,
        "lda": lda,
        "random_forest": random_forest,
        "lightgbm": lightgbm,
        "lightgbm_small": lightgbm_small,
        "mlp": mlp,
        "bagged_mlp": bagged_mlp,
    },
    REGRESSION: {
        "maml": maml,
        "maml_random": maml_random,
        "ridge_cv": ridge_cv,
        "k_nn": k_nn,
        "svm": svm,
        "gaussian_process": gaussian_process,
        "random_forest": random_forest,
        "lightgbm_small": lightgbm_small,
        "mlp": mlp,
        "bagged_mlp": bagged_mlp,
    },
}
