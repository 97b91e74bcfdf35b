"""Types that a model file may hold, beside those that skops trusts itself.

skops restores an object by its type and its attributes, and may call a type or function
of this list with arguments from the file. So everything here must be harmless, whatever
it is called with: nothing writes files, imports by name, evaluates text or unpickles
bytes. What remains is that learners in C trust their own numbers: a file that was made
to harm can end the process when it predicts, for which reason skops leaves out trees.

A test compares the list with the models of all built-in operators and all kinds of
columns.
"""

from __future__ import annotations

CONTAINERS = ("collections.OrderedDict", "functools.partial")

NUMERIC = (
    "numpy.asarray",
    "numpy.clip",
    "numpy.dtype",
    "numpy.ma.core.filled",
    "numpy.ma.core.masked_equal",
    "numpy.mean",
    "numpy.ravel",
    "numpy.round",
    # The function of that name in SciPy from 1.17 on, an attribute of splines.
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
)

# Parts of fitted estimators, and splitters.
SCIKIT_LEARN = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.feature_selection._univariate_selection.f_classif",
    "sklearn.feature_selection._univariate_selection.f_regression",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Matern",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.gaussian_process.kernels.Sum",
    "sklearn.gaussian_process.kernels.WhiteKernel",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.metrics._dist_metrics.ManhattanDistance64",
    "sklearn.model_selection._split.GroupKFold",
    "sklearn.model_selection._split.KFold",
    "sklearn.model_selection._split.RepeatedKFold",
    "sklearn.model_selection._split.RepeatedStratifiedKFold",
    "sklearn.model_selection._split.StratifiedGroupKFold",
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.model_selection._split.TimeSeriesSplit",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils.validation.check_array",
)

LIGHTGBM = (
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
)

OWN = (
    "sklearn_meta.automl.MetaAutoClassifier",
    "sklearn_meta.automl.MetaAutoRegressor",
    "sklearn_meta.data._bounds.Bounds",
    "sklearn_meta.data._column_kinds.Column",
    "sklearn_meta.data._loss.Loss",
    "sklearn_meta.data._new_rows.RowEncoder",
    "sklearn_meta.data._single_columns.SingleColumn",
    "sklearn_meta.data.level_encoder.LevelEncoder",
    "sklearn_meta.data.parsing.as_text",
    "sklearn_meta.data.parsing.parse_dates",
    "sklearn_meta.data.parsing.parse_durations",
    "sklearn_meta.data.parsing.parse_numbers",
    "sklearn_meta.ensemble._combination.Combination",
    "sklearn_meta.ensemble._conformal.Intervals",
    "sklearn_meta.ensemble._conformal.PredictionSets",
    "sklearn_meta.ensemble._conformal.SortedScores",
    "sklearn_meta.ensemble._conformal.Tails",
    "sklearn_meta.ensemble._scale_model.ScaleModel",
    "sklearn_meta.ensemble._weighted_ensemble.WeightedEnsembleClassifier",
    "sklearn_meta.ensemble._weighted_ensemble.WeightedEnsembleRegressor",
    "sklearn_meta.ensemble._weighted_ensemble._WeightedEnsembleMultilabel",
    "sklearn_meta.inspection._fit_record.FitRecord",
    "sklearn_meta.maml._canonical_form.CanonicalInput",
    "sklearn_meta.maml._canonical_form._CategoryMeans",
    "sklearn_meta.maml._canonical_form._Scale",
    "sklearn_meta.maml._maml.MAMLClassifier",
    "sklearn_meta.maml._maml.MAMLRegressor",
    "sklearn_meta.maml._support.DistinctRows",
    "sklearn_meta.metalearning._fixed_portfolio.FixedPortfolio",
    "sklearn_meta.metalearning._knn.KNNMetaLearner",
    "sklearn_meta.metalearning._neighbors.Neighbor",
    "sklearn_meta.mlp._bagged_mlp.BaggedMLPClassifier",
    "sklearn_meta.mlp._bagged_mlp.BaggedMLPRegressor",
    "sklearn_meta.mlp._early_stopping.SquaredLoss",
    "sklearn_meta.mlp._smooth_columns.SmoothColumns",
    "sklearn_meta.pipelines._schema.Schema",
    "sklearn_meta.pipelines._space.SearchSpace",
    "sklearn_meta.pipelines._spec.Reference",
    "sklearn_meta.pipelines._spec.Spec",
    "sklearn_meta.pipelines._tree.Node",
    "sklearn_meta.search._evolution.EvolutionarySearch",
    "sklearn_meta.search._random.RandomSearch",
)

TRUSTED_TYPES = (*CONTAINERS, *NUMERIC, *SCIKIT_LEARN, *LIGHTGBM, *OWN)
