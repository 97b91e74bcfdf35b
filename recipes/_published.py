"""Published settings of other AutoML systems, as pipeline texts of our catalog.

Values out of our range by a factor of up to four are clipped, numbers are rounded to
three significant digits, and settings that our catalog cannot express are skipped.
These parts of a setting have no counterpart and are ignored: tolerances, dropout, the
minimum number of rows to split a node, the quantile range of the robust scaler, the
merging of rare categories, LightGBM's handling of categories. Ensembles of trees get
100 trees instead of 300 to 2000, and boosting stops early: more trees do not change
the scores on small tables.
"""

from __future__ import annotations

import math

from sklearn_meta.pipelines._hyperparameters import Choice

N_TREES = 100
CLIP_FACTOR = 4.0
# Number of columns of the tables on which most settings were found.
TYPICAL_COLUMNS = 20


class Inexpressible(Exception):
    """A setting that the catalog cannot express."""


def require(condition):
    """Raise `Inexpressible` unless a condition holds."""
    if not condition:
        raise Inexpressible


class Translator:
    """Translate settings for one task.

    Parameters
    ----------
    catalog : Catalog
    """

    def __init__(self, catalog):
        self.catalog = catalog

    def call(self, name, inner, **params):
        """Return the text of an operator; parameters that are None are defaults."""
        operator = self.catalog.find(name)
        require(operator is not None)
        arguments = [inner]
        for key, value in params.items():
            if value is None:
                continue
            hyperparameter = operator.hyperparameter(key)
            require(hyperparameter is not None)
            value = _fit_range(hyperparameter, value)
            if value != hyperparameter.default:
                arguments.append(f"{key}={value!r}")
        return f"{name}({', '.join(arguments)})"

    # AutoGluon and FLAML

    def boosting_or_forest(self, family, settings):
        """Translate one entry of ``gradient_boosting_and_forests.json``."""
        match family:
            case "GBM" | "lgbm":
                return self._lightgbm(settings)
            case "RF" | "rf":
                return self._forest("random_forest", settings)
            case "XT" | "extra_tree":
                return self._forest("extra_trees", settings)
            case "NN_TORCH":
                return self._network(settings)
        raise Inexpressible

    def _lightgbm(self, settings):
        get = settings.get
        return self.call(
            "lightgbm",
            "X",
            n_estimators=min(2000, get("n_estimators", 2000)),
            learning_rate=get("learning_rate", 0.05),
            num_leaves=get("num_leaves"),
            min_child_samples=get("min_child_samples", get("min_data_in_leaf")),
            subsample=get("bagging_fraction"),
            colsample_bytree=get("colsample_bytree", get("feature_fraction")),
            reg_alpha=_or_zero(get("reg_alpha", get("lambda_l1"))),
            reg_lambda=_or_zero(get("reg_lambda", get("lambda_l2"))),
            extra_trees=get("extra_trees"),
            early_stopping=True,
        )

    def _forest(self, name, settings):
        get = settings.get
        return self.call(
            name,
            "X",
            criterion=get("criterion") if self.catalog.is_classifier else None,
            n_estimators=N_TREES,
            max_features=_share(get("max_features")),
            max_leaf_nodes=_leaves(get("max_leaves", get("max_leaf_nodes"))),
            min_samples_leaf=get("min_samples_leaf"),
        )

    def _network(self, settings):
        require(settings["activation"] == "relu")
        return self.call(
            "mlp",
            "standard_scaler(X)",
            layer_size=settings["hidden_size"],
            n_layers=settings["num_layers"],
            learning_rate_init=settings["learning_rate"],
            alpha=max(settings["weight_decay"], 1e-6),
        )

    # auto-sklearn

    def autosklearn(self, settings):
        """Translate one entry of ``pipelines.json``."""
        kind = "classifier" if self.catalog.is_classifier else "regressor"
        learner = settings[f"{kind}:__choice__"]
        translate = getattr(self, f"_as_{learner}", None)
        require(translate is not None)
        values = _below(settings, f"{kind}:{learner}:")
        inner = self._scaled(
            _below(settings, "data_preprocessor:feature_type:"), learner
        )
        inner = self._featured(inner, settings)
        weight = None
        if settings.get("balancing:strategy") == "weighting":
            operator = self.catalog.find(LEARNERS.get(learner, learner))
            require(operator is not None and operator.hyperparameter("class_weight"))
            weight = "balanced"
        return translate(inner, values, weight)

    def _scaled(self, settings, learner):
        numeric = "numerical_transformer:"
        text = "X"
        encoding = settings["categorical_transformer:categorical_encoding:__choice__"]
        text = self.call("one_hot" if "one_hot" in encoding else "ordinal", text)
        text = self.call(
            "impute",
            text,
            strategy=settings[f"{numeric}imputation:strategy"],
            indicator=False,
        )
        choice = settings[f"{numeric}rescaling:__choice__"]
        if choice == "none":
            return text
        name = {
            "minmax": "min_max_scaler",
            "normalize": "normalizer",
            "standardize": "standard_scaler",
            "robust_scaler": "robust_scaler",
            "power_transformer": "power_transform",
            "quantile_transformer": "quantile_transform",
        }.get(choice)
        require(name is not None)
        values = _below(settings, f"{numeric}rescaling:quantile_transformer:")
        return self.call(
            name,
            text,
            n_quantiles=values.get("n_quantiles"),
            output_distribution=values.get("output_distribution"),
        )

    def _featured(self, text, settings):
        choice = settings["feature_preprocessor:__choice__"]
        values = _below(settings, f"feature_preprocessor:{choice}:")
        choice = choice.removesuffix("_classification").removesuffix("_regression")
        match choice:
            case "no_preprocessing":
                return text
            case "polynomial":
                require(values["degree"] == 2)
                only = values["interaction_only"]
                return self.call("polynomial", text, interaction_only=only)
            case "pca":
                return self.call(
                    "pca",
                    text,
                    n_components=values["keep_variance"],
                    whiten=values["whiten"],
                )
            case "fast_ica":
                require(values.get("n_components", 100) >= 100)
                return self.call(
                    "fast_ica", text, n_components=0.999, fun=values["fun"]
                )
            case "extra_trees_preproc_for":
                return self.call("select_by_trees", text)
            case "select_percentile":
                require(values["score_func"] in ("f_classif", "f_regression"))
                percentile = round(values["percentile"])
                return self.call("select_percentile", text, percentile=percentile)
            case "liblinear_svc_preprocessor":
                return self.call("select_by_l1", text, C=values["C"])
            case "kitchen_sinks":
                return self.call("rbf_sampler", text, **values)
            case "random_trees_embedding":
                return self.call(
                    "random_trees_embedding",
                    text,
                    n_estimators=values["n_estimators"],
                    max_depth=values["max_depth"],
                )
        raise Inexpressible

    def _as_trees(self, name, inner, values, weight):
        require(values["criterion"] in ("gini", "entropy", "mse"))
        share = values["max_features"]
        if self.catalog.is_classifier:
            # An exponent of the number of columns.
            share = TYPICAL_COLUMNS ** (share - 1)
        return self.call(
            name,
            inner,
            criterion=values["criterion"] if self.catalog.is_classifier else None,
            n_estimators=N_TREES,
            max_features=_share(share),
            min_samples_leaf=values["min_samples_leaf"],
            bootstrap=values["bootstrap"],
            class_weight=weight,
        )

    def _as_random_forest(self, inner, values, weight):
        return self._as_trees("random_forest", inner, values, weight)

    def _as_extra_trees(self, inner, values, weight):
        return self._as_trees("extra_trees", inner, values, weight)

    def _as_gradient_boosting(self, inner, values, weight):
        # 512 rounds at most; without early stopping where that suits the rate.
        stops = values["early_stop"] != "off"
        require(stops or values["learning_rate"] <= 0.05)
        return self.call(
            "hist_gradient_boosting",
            inner,
            max_iter=512 if stops else 200,
            learning_rate=values["learning_rate"],
            max_leaf_nodes=values["max_leaf_nodes"],
            min_samples_leaf=values["min_samples_leaf"],
            l2_regularization=_or_zero(values["l2_regularization"]),
            early_stopping=stops,
            class_weight=weight,
        )

    def _as_mlp(self, inner, values, weight):
        require(weight is None)
        return self.call(
            "mlp",
            inner,
            layer_size=values["num_nodes_per_layer"],
            n_layers=values["hidden_layer_depth"],
            activation=values["activation"],
            alpha=values["alpha"],
            learning_rate_init=values["learning_rate_init"],
            early_stopping=values["early_stopping"] == "valid",
        )

    def _as_libsvm_svc(self, inner, values, weight):
        require(values["kernel"] == "rbf")
        return self.call(
            "svc", inner, C=values["C"], gamma=values["gamma"], class_weight=weight
        )

    def _as_libsvm_svr(self, inner, values, weight):
        require(values["kernel"] == "rbf")
        return self.call(
            "svr",
            inner,
            C=values["C"],
            gamma=values["gamma"],
            epsilon=values["epsilon"],
        )

    def _as_liblinear_svc(self, inner, values, weight):
        return self.call("linear_svc", inner, C=values["C"], class_weight=weight)

    def _as_liblinear_svr(self, inner, values, weight):
        return self.call("linear_svr", inner, C=values["C"], epsilon=values["epsilon"])

    def _as_adaboost(self, inner, values, weight):
        require(weight is None)
        return self.call(
            "ada_boost",
            inner,
            n_estimators=values["n_estimators"],
            learning_rate=values["learning_rate"],
            max_depth=values["max_depth"],
        )

    def _as_sgd(self, inner, values, weight):
        require(values["learning_rate"] in ("optimal", "invscaling"))
        loss = {"log": "log_loss", "squared_loss": "squared_error"}
        ratio = {"l1": 1.0, "l2": 0.0}.get(values["penalty"], values.get("l1_ratio"))
        return self.call(
            "sgd",
            inner,
            loss=loss.get(values["loss"], values["loss"]),
            alpha=values["alpha"],
            l1_ratio=ratio,
            average=values["average"],
            class_weight=weight,
        )

    def _as_k_nearest_neighbors(self, inner, values, weight):
        return self.call("k_neighbors", inner, **values)

    def _as_lda(self, inner, values, weight):
        shrinkage = values["shrinkage"]
        if shrinkage == "manual":
            shrinkage = values["shrinkage_factor"]
        return self.call("lda", inner, shrinkage=shrinkage)

    def _as_qda(self, inner, values, weight):
        return self.call("qda", inner, shrinkage=values["reg_param"])

    def _as_gaussian_nb(self, inner, values, weight):
        return self.call("gaussian_nb", inner)

    def _as_bernoulli_nb(self, inner, values, weight):
        return self.call("bernoulli_nb", inner, **values)

    def _as_ard_regression(self, inner, values, weight):
        return self.call(
            "ard", inner, alpha_1=values["alpha_1"], lambda_1=values["lambda_1"]
        )

    def _as_gaussian_process(self, inner, values, weight):
        return self.call("gaussian_process", inner, noise_level=values["alpha"])


LEARNERS = {
    "gradient_boosting": "hist_gradient_boosting",
    "libsvm_svc": "svc",
    "liblinear_svc": "linear_svc",
    "k_nearest_neighbors": "k_neighbors",
    "adaboost": "ada_boost",
}

_WORDS = {"None": None, "True": True, "False": False}


def _below(settings, prefix):
    """Return the settings whose names begin with `prefix`, by the rest of the name."""
    return {
        key.removeprefix(prefix): _value(value)
        for key, value in settings.items()
        if key.startswith(prefix)
    }


def _value(text):
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _fit_range(hyperparameter, value):
    """Return a value within the range of a hyperparameter, near the given one."""
    if value == hyperparameter.default:
        return value
    if isinstance(hyperparameter, Choice):
        numbers = [v for v in hyperparameter.values if isinstance(v, float)]
        if numbers and isinstance(value, float):
            return min(numbers, key=lambda number: abs(math.log(number / value)))
        require(value in hyperparameter.values)
        return value
    low, high = hyperparameter.low, hyperparameter.high
    kind = type(low)
    require(isinstance(value, int | float) and not isinstance(value, bool))
    if low > 0:
        require(low / CLIP_FACTOR <= value <= high * CLIP_FACTOR)
    value = min(max(value, low), high)
    return kind(value) if kind is int else min(max(float(f"{value:.3g}"), low), high)


def _share(value):
    """Return the nearest allowed share of columns for the splits of a forest."""
    if value is None or isinstance(value, str):
        return value
    shares = {"sqrt": 20**-0.5, 0.25: 0.25, 0.5: 0.5, 0.75: 0.75, 1.0: 1.0}
    return min(shares, key=lambda name: abs(math.log(shares[name] / value)))


def _leaves(value):
    """Limit the number of leaves: more have no effect on small tables."""
    return None if value is None or value > 4000 else value


def _or_zero(value):
    """Replace penalties below our smallest one by 0."""
    return None if value is None or value < 1e-4 else value
