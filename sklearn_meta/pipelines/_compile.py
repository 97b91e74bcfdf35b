"""Compile a pipeline tree to a scikit-learn `Pipeline`.

The compiler walks the tree from the table to the learner and keeps track of the columns
in a `Layout`. Where an operator does not accept them, `coerce` inserts steps. The
result holds objects of scikit-learn, LightGBM, numpy and pandas only, so that it works
without this package (except for ``bagged_mlp`` and ``maml``, which are parts of it).
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace

import numpy as np
from sklearn import config_context
from sklearn.base import is_classifier, is_regressor
from sklearn.compose import TransformedTargetRegressor
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from sklearn_meta.pipelines._coercions import Steps, coerce, group_levels
from sklearn_meta.pipelines._layout import Layout
from sklearn_meta.pipelines._many_levels import (
    MANY_LEVELS,
    single_target,
)
from sklearn_meta.pipelines._multi_output import (
    one_model_per_output,
    shared_features,
    takes_all_outputs,
)
from sklearn_meta.pipelines._operators import Catalog, Operator
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._spec import (
    TRANSFORMED_TARGET,
    BuildContext,
    Prepared,
    Reference,
    Spec,
    instantiate,
    on_scaled_target,
)
from sklearn_meta.pipelines._tree import INPUT, STACK, UNION, Node
from sklearn_meta.pipelines._typing_rules import check_tree
from sklearn_meta.pipelines.catalog._losses import is_positive

# Number of boosting rounds with early stopping, times the learning rate: rounds up to
# the best one and the patience after it.
EXPECTED_ROUNDS = 10.0

# Folds of the out-of-fold predictions that a stacked learner is fitted on.
STACK_FOLDS = 5

# HistGradientBoosting puts each level of a category in a bin of its own.
DEFAULT_MAX_BINS = 255

# Centering would make a sparse table dense, and these classes raise.
SPARSE_ARGUMENTS = {
    "sklearn.preprocessing.StandardScaler": {"with_mean": False},
    "sklearn.preprocessing.RobustScaler": {"with_centering": False},
}

ONE_TO_ONE = frozenset(
    f"sklearn.preprocessing.{name}"
    for name in (
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    )
)

# scikit-learn 1.9.1 raises where one of these is fitted with metadata routing on:
# KeyError('groups'), and NotImplementedError.
NOT_ROUTABLE = frozenset(
    {
        "sklearn.preprocessing.TargetEncoder",
        "sklearn.ensemble.AdaBoostClassifier",
        "sklearn.ensemble.AdaBoostRegressor",
    }
)

BAGGING = ("sklearn.ensemble.BaggingClassifier", "sklearn.ensemble.BaggingRegressor")

# Requirements of a union on its branches, where these cannot keep categories.
_UNION_INPUT = Operator(
    UNION, "transformer", path="sklearn.pipeline.FeatureUnion",
    accepts_missing=True, accepts_sparse=True,
)  # fmt: skip


def compile_pipeline(
    tree: Node,
    schema: Schema,
    *,
    catalog: Catalog,
    n_classes,
    random_state,
    iterations=None,
    encoder=None,
    n_outputs=1,
    target_scaler=None,
    least=None,
):
    """Compile a tree to an unfitted scikit-learn pipeline.

    Parameters
    ----------
    tree : Node
        Pipeline to compile.
    schema : Schema
        Of the encoded table that the pipeline is fitted on.
    catalog : Catalog
        Operators of the tree; it decides the task.
    n_classes : int
        One for regression; two for several labels, each of which is there or not.
    random_state : int
        Seed of every operator that is random.
    iterations : int, default=None
        Boosting rounds of a LightGBM learner at the root; those of the tree if None.
    encoder : Spec, default=None
        First step, which encodes the raw table. None where the encoded table is passed.
    n_outputs : int, default=1
        Number of columns of the target: several numbers, or several labels.
    target_scaler : Spec, default=None
        Transformer of the target before regressors are fitted to it, for targets far
        from zero or of an extreme scale. None to fit them to the target itself.
    least : float, tuple of float or None, default=None
        Smallest prediction of a regressor, one for each of several outputs: smaller
        ones are raised to it, see `bounds_predictions`. None for no bound.

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        Unfitted; the coercions that the table needs are inserted.

    Raises
    ------
    InvalidPipelineError
        If the tree breaks the grammar or the catalog lacks one of its operators.

    Examples
    --------
    >>> from sklearn_meta.pipelines import (
    ...     Schema, compile_pipeline, default_catalog, parse
    ... )
    >>> catalog = default_catalog("regression")
    >>> tree = parse("ridge(X, alpha=3)", catalog=catalog)
    >>> pipeline = compile_pipeline(
    ...     tree, Schema(n_features=2), catalog=catalog, n_classes=1, random_state=0
    ... )
    >>> pipeline.fit([[0, 1], [1, 0], [2, 2]], [1.0, 0.0, 2.0]).predict([[2, 2]])
    array([1.5])
    """
    return instantiate(
        compile_spec(
            tree, schema, catalog=catalog, n_classes=n_classes,
            random_state=random_state, iterations=iterations, encoder=encoder,
            n_outputs=n_outputs, target_scaler=target_scaler, least=least,
        )
    )  # fmt: skip


def compile_spec(
    tree: Node,
    schema: Schema,
    *,
    catalog: Catalog,
    n_classes,
    random_state,
    iterations=None,
    encoder=None,
    n_outputs=1,
    target_scaler=None,
    least=None,
) -> Spec:
    """Compile a tree to a `Spec`; see `compile_pipeline` for the parameters."""
    check_tree(tree, catalog=catalog)
    compiler = _Compiler(
        Layout.of(schema), catalog, int(n_classes), int(random_state), int(n_outputs),
        target_scaler,
    )  # fmt: skip
    steps = compiler.predictor(tree)
    name, learner = steps[-1]
    if iterations is not None and learner.path.startswith("lightgbm."):
        learner = learner.with_params(n_estimators=int(iterations))
    if target_scaler is not None:
        learner = on_scaled_target(learner, target_scaler)
    if bounds_predictions(tree, least):
        learner = _bounded_below(learner, least)
    steps[-1] = (name, learner)
    if encoder is not None:
        steps = [("encode", encoder), *steps]
    return _pipeline(steps)


def bounds_predictions(tree: Node, least) -> bool:
    """Whether the predictions of a tree are raised to a bound.

    Parameters
    ----------
    tree : Node
    least : float, tuple of float or None
        The bound.

    Returns
    -------
    bounds : bool
        False without a bound, and for learners of positive targets.
    """
    return least is not None and not is_positive(tree.operator)


def _bounded_below(regressor, least) -> Spec:
    """Raise the predictions of a regressor to a bound."""
    bound = Spec(
        "sklearn.preprocessing.FunctionTransformer",
        (
            ("inverse_func", Reference("numpy.clip")),
            ("inv_kw_args", {"a_min": least, "a_max": None}),
        ),
    )
    return Spec(
        TRANSFORMED_TARGET,
        (
            ("regressor", regressor),
            ("transformer", bound),
            # Targets of zero are no predictions where these must be positive.
            ("check_inverse", False),
        ),
    )


def early_stopping_learner(tree: Node, *, catalog: Catalog, n_outputs=1) -> bool:
    """Whether early stopping chooses the number of rounds of the root learner.

    True for a LightGBM learner with ``early_stopping=True`` at the root of the tree.
    Inside a stack or a wrapper, LightGBM always fits all its rounds, as it cannot be
    passed validation rows. The same holds where one model is fitted for each output;
    there the rounds are bounded by about what early stopping would choose.

    Parameters
    ----------
    tree : Node
    catalog : Catalog
    n_outputs : int, default=1
        Number of columns of the target.

    Returns
    -------
    stops_early : bool
    """
    operator = catalog.find(tree.operator)
    if operator is None or not _is_lightgbm(operator.path) or n_outputs > 1:
        return False
    if tree.inputs[0].operator == STACK:
        return False
    default = operator.defaults().get("early_stopping", False)
    return bool(tree.param("early_stopping", default))


def accepts_sample_weight(
    tree: Node, *, catalog: Catalog, n_outputs=1, schema=None
) -> bool:
    """Whether the pipeline of a tree can be fitted with `sample_weight`.

    The learner that makes the predictions decides. Below a stack, estimators that
    do not take weights are fitted without.

    Parameters
    ----------
    tree : Node
    catalog : Catalog
    n_outputs : int, default=1
        Number of columns of the target.
    schema : Schema, default=None
        Of the table; None for one without categories of many levels.

    Returns
    -------
    accepts : bool
    """
    operator = catalog[tree.operator]
    inner = tree.inputs[0]
    once_for_each = n_outputs > 1 and not takes_all_outputs(tree, catalog=catalog)
    if operator.path == TRANSFORMED_TARGET and not once_for_each:
        return accepts_sample_weight(inner, catalog=catalog, schema=schema)
    if operator.kind == "wrapper" or inner.operator == STACK or once_for_each:
        # Weights reach nested pipelines by metadata routing only.
        found = (catalog.find(node.operator) for _, node in tree.walk())
        if any(o is not None and o.path in NOT_ROUTABLE for o in found):
            return False
        cardinalities = () if schema is None else schema.cardinalities
        if n_outputs == 1 and max(cardinalities, default=0) > MANY_LEVELS:
            return False  # the compiler inserts a target encoder
    if tree.param("bootstrap", True) is False and operator.path in BAGGING:
        # Weights are probabilities of the rows: drawing without replacement, they have
        # no effect, or too few rows can be drawn.
        return False
    if operator.kind == "wrapper" and not operator.sample_weight:
        return accepts_sample_weight(inner, catalog=catalog, schema=schema)
    return operator.sample_weight


def fit_weighted(pipeline, X, y, sample_weight):
    """Fit a pipeline for which `accepts_sample_weight` is true.

    The weights are divided by their mean, so that penalties, leaf sizes and the number
    of rows that bagging draws do not depend on the unit of the weights.

    Parameters
    ----------
    pipeline : sklearn.pipeline.Pipeline
        Compiled, unfitted; its metadata requests are set where they are needed.
    X, y : array-like
    sample_weight : array-like of shape (n_samples,)

    Returns
    -------
    pipeline : sklearn.pipeline.Pipeline
        The same object, fitted.
    """
    weight = np.asarray(sample_weight, dtype=np.float64)
    weight = weight / weight.mean()
    argument = _weight_argument(pipeline)
    if argument is not None:
        return pipeline.fit(X, y, **{argument: weight})
    with config_context(enable_metadata_routing=True):
        return request_sample_weight(pipeline).fit(X, y, sample_weight=weight)


def _weight_argument(estimator):
    """Argument of `fit` that takes the weights without metadata routing, or None."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = _weight_argument(last)
        return None if inner is None else f"{name}__{inner}"
    if isinstance(estimator, TransformedTargetRegressor):
        return _weight_argument(estimator.regressor)
    if isinstance(estimator, MultiOutputRegressor):
        inner = estimator.estimator
        if not has_fit_parameter(inner, "sample_weight"):
            return None
    nested = estimator.get_params(deep=True).values()
    if any(isinstance(part, Pipeline) for part in nested):
        return None
    has_argument = "sample_weight" in inspect.signature(estimator.fit).parameters
    return "sample_weight" if has_argument else None


def request_sample_weight(estimator):
    """Route `sample_weight` to every learner in a pipeline that can take it.

    Transformers are fitted without: weights are about errors of the predictions, and
    some transformers raise on weights for some of their settings.

    Parameters
    ----------
    estimator : estimator
        Changed in place: the requests of its parts are set.

    Returns
    -------
    estimator : estimator
        The same object. With ``sklearn.config_context(enable_metadata_routing=True)``
        it can be fitted as ``estimator.fit(X, y, sample_weight=w)``.
    """
    parts = [estimator, *estimator.get_params(deep=True).values()]
    with config_context(enable_metadata_routing=True):
        for part in parts:
            if isinstance(part, type) or not hasattr(part, "set_fit_request"):
                continue
            if "sample_weight" in inspect.signature(part.fit).parameters:
                is_learner = is_classifier(part) or is_regressor(part)
                part.set_fit_request(sample_weight=is_learner)
    return estimator


@dataclass(frozen=True)
class _Compiler:
    """Compiler of one tree."""

    table: Layout
    catalog: Catalog
    n_classes: int
    random_state: int
    n_outputs: int = 1
    target_scaler: Spec | None = None

    def predictor(self, tree: Node) -> Steps:
        """Steps of a whole tree; the last one predicts all outputs."""
        steps = self.estimator(tree)
        if self.n_outputs == 1 or takes_all_outputs(tree, catalog=self.catalog):
            return steps
        shared = shared_features(tree, catalog=self.catalog)
        if shared == tree.inputs[0]:
            n_shared = len(steps) - 1
        else:
            n_shared = len(self.features(shared)[0])
        own = steps[n_shared:]
        wrapped = one_model_per_output(
            _pipeline_or_only_step(own), catalog=self.catalog
        )
        return [*steps[:n_shared], (own[-1][0], wrapped)]

    def estimator(self, node: Node) -> Steps:
        """Steps of a learner or wrapper; the last one predicts."""
        operator = self.catalog[node.operator]
        if operator.kind == "wrapper":
            inner = _pipeline_or_only_step(self.estimator(node.inputs[0]))
            return [(operator.name, self._call(operator, node, self.table, inner))]
        if node.inputs[0].operator == STACK:
            return [(STACK, self._stacked(operator, node))]
        steps, layout = self.features(node.inputs[0])
        return [*steps, *self._learner(operator, node, layout)]

    def features(self, node: Node) -> tuple[Steps, Layout]:
        """Steps that make the features of a node, and the columns of these."""
        if node.operator == INPUT:
            return [], self.table
        if node.operator == UNION:
            return self._union(node)
        operator = self.catalog[node.operator]
        steps, layout = self.features(node.inputs[0])
        if operator.kind == "preparation":
            return self._prepared(operator, node, steps, layout)
        coercions, layout = self._coerce(layout, operator)
        spec = self._call(operator, node, layout)
        after = Layout(
            n_features=_n_columns_after(spec, layout),
            missing=layout.missing or layout.n_categorical > 0,
            sparse=layout.sparse or _gives_sparse(spec),
        )
        return [*steps, *coercions, (operator.name, spec)], after

    def _coerce(self, layout, operator) -> tuple[Steps, Layout]:
        """Steps that turn a table into valid input of an operator."""
        target = single_target(self.n_classes, self.n_outputs, self.random_state)
        return coerce(layout, operator, target)

    def _prepared(self, operator, node, steps, layout):
        """Steps and columns after a preparation."""
        if operator.build is None:
            coercions, layout = self._coerce(layout, operator)
            spec = self._call(operator, node, layout)
            after = Layout(
                n_features=None,
                missing=layout.missing or layout.n_categorical > 0,
                sparse=layout.sparse or _gives_sparse(spec),
            )
            return [*steps, *coercions, (operator.name, spec)], after
        if layout.has_text and operator.text_as != "counts":
            # What is left of the table has other columns.
            coercions, layout = self._coerce(layout, operator)
            steps = [*steps, *coercions]
        prepared = self._call(operator, node, layout)
        if isinstance(prepared, Spec):
            prepared = Prepared(prepared, replace(layout, n_features=None))
        if prepared.spec is None:
            return steps, layout
        if layout.nearly_empty and prepared.layout.nearly_empty:
            # The preparation reorders columns: steps that select by index come first.
            coercions, layout = self._coerce(layout, operator)
            prepared = self._call(operator, node, layout)
            steps = [*steps, *coercions]
        return [*steps, (operator.name, prepared.spec)], prepared.layout

    def _union(self, node):
        """Concatenate branches; one of them may keep its categories."""
        branches = [self.features(child) for child in node.inputs]
        layouts = [layout for _, layout in branches]
        with_categories = [i for i, ly in enumerate(layouts) if ly.n_categorical]
        keep = len(with_categories) == 1 and not any(ly.sparse for ly in layouts)
        asked = replace(
            _UNION_INPUT,
            accepts_categories=keep,
            # Learners take missing values in dense tables only.
            accepts_missing=not any(ly.sparse for ly in layouts)
            or not self.table.has_text,
        )
        for i, (steps, layout) in enumerate(branches):
            coercions, layout = self._coerce(layout, asked)
            branches[i] = ([*steps, *coercions], layout)
        if keep:
            # Categories have to lead; the order of the branches is otherwise free.
            branches.insert(0, branches.pop(with_categories[0]))
        layouts = [layout for _, layout in branches]
        widths = [layout.n_features for layout in layouts]
        after = Layout(
            n_features=None if None in widths else sum(widths),
            n_categorical=layouts[0].n_categorical,
            cardinalities=layouts[0].cardinalities,
            missing=any(layout.missing for layout in layouts),
            sparse=any(layout.sparse for layout in layouts),
            nonnegative=all(layout.nonnegative for layout in layouts),
        )
        named = [
            (steps[-1][0], _pipeline_or_only_step(steps)) if steps
            else ("passthrough", "passthrough")
            for steps, _ in branches
        ]  # fmt: skip
        params = (("transformer_list", _unique(named)),)
        return [(UNION, Spec("sklearn.pipeline.FeatureUnion", params))], after

    def _learner(self, operator, node, layout) -> Steps:
        """Steps of a learner, which is told its categorical columns."""
        steps, layout = self._coerce(layout, operator)
        spec = self._call(operator, node, layout)
        if layout.n_categorical:
            categorical = list(range(layout.n_categorical))
            if _is_lightgbm(spec.path):
                # Not `categorical_feature`: LightGBM takes it here as well, but warns.
                spec = spec.with_params(categorical_column=categorical)
            elif spec.path.startswith("sklearn.ensemble.HistGradientBoosting"):
                spec = spec.with_params(categorical_features=categorical)
                max_bins = spec.param("max_bins", DEFAULT_MAX_BINS)
                if max(layout.cardinalities) > max_bins:
                    steps.append(("group_levels", group_levels(layout, max_bins - 1)))
        return [*steps, (operator.name, spec)]

    def _stacked(self, operator, node) -> Spec:
        """Fit a learner to out-of-fold predictions of the estimators of a stack."""
        inner = [self.estimator(child) for child in node.inputs[0].inputs]
        is_classifier = self.catalog.is_classifier
        per_estimator = self.n_classes if self.n_classes > 2 else 1
        predictions = Layout(
            n_features=per_estimator * len(inner), nonnegative=is_classifier
        )
        final = self._learner(operator, node, predictions)
        splitter = "StratifiedKFold" if is_classifier else "KFold"
        # Shuffled: rows are often sorted, and unshuffled folds would then differ.
        folds = Spec(
            f"sklearn.model_selection.{splitter}",
            (
                ("n_splits", STACK_FOLDS),
                ("shuffle", True),
                ("random_state", self.random_state),
            ),
        )
        stacking = "StackingClassifier" if is_classifier else "StackingRegressor"
        return Spec(
            f"sklearn.ensemble.{stacking}",
            (
                (
                    "estimators",
                    _unique([(s[-1][0], _pipeline_or_only_step(s)) for s in inner]),
                ),
                ("final_estimator", _pipeline_or_only_step(final)),
                ("cv", folds),
            ),
        )

    def _call(self, operator, node, layout, inner=None):
        """Describe the call of an operator's class, or of its `build`."""
        params = {**operator.defaults(), **dict(node.params)}
        if operator.build is not None:
            context = BuildContext(
                task=self.catalog.task,
                n_classes=self.n_classes,
                random_state=self.random_state,
                n_features=layout.n_features,
                n_categorical=layout.n_categorical,
                cardinalities=layout.cardinalities,
                sparse=layout.sparse,
                inner=inner,
                fixed=operator.fixed,
                layout=layout,
                n_outputs=self.n_outputs,
                target_scaler=self.target_scaler,
            )
            return operator.build(params, context)
        arguments = {**operator.fixed, **params}
        if inner is not None:
            is_target = operator.path == TRANSFORMED_TARGET
            arguments = {"regressor" if is_target else "estimator": inner, **arguments}
        if _is_lightgbm(operator.path):
            # Done by the evaluation, see `early_stopping_learner`.
            stopped = arguments.pop("early_stopping", False)
            if stopped and self.n_outputs > 1:
                arguments["n_estimators"] = _unstopped_rounds(arguments)
        if layout.sparse:
            arguments.update(SPARSE_ARGUMENTS.get(operator.path, {}))
        if operator.random_state:
            arguments["random_state"] = self.random_state
        return Spec(operator.path, tuple(arguments.items()))


def _pipeline(steps) -> Spec:
    """Call of `Pipeline` with unique names of steps."""
    return Spec("sklearn.pipeline.Pipeline", (("steps", _unique(steps)),))


def _pipeline_or_only_step(steps):
    """Call of `Pipeline`, or the only step alone."""
    return steps[0][1] if len(steps) == 1 else _pipeline(steps)


def _unique(named):
    """Number repeated names: pca, pca_2, pca_3."""
    taken, result = set(), []
    for name, value in named:
        unique, n = name, 1
        while unique in taken:
            n += 1
            unique = f"{name}_{n}"
        taken.add(unique)
        result.append((unique, value))
    return result


def _n_columns_after(spec, layout):
    """Upper bound of the number of columns that a transformer outputs, or None."""
    if spec.path in ONE_TO_ONE:
        return layout.n_features
    n_components = spec.param("n_components")
    is_count = isinstance(n_components, int) and not isinstance(n_components, bool)
    return n_components if is_count else None


def _gives_sparse(spec):
    """Whether a transformer makes a sparse matrix of a dense one."""
    if spec.path == "sklearn.ensemble.RandomTreesEmbedding":
        return spec.param("sparse_output", True)
    if spec.path == "sklearn.preprocessing.KBinsDiscretizer":
        return spec.param("encode", "onehot") == "onehot"
    return bool(spec.param("sparse_output", False))


def _unstopped_rounds(arguments):
    """Bound the rounds of a LightGBM learner that cannot be stopped early."""
    # An operator of the user need not have these two hyperparameters.
    learning_rate = arguments.get("learning_rate", 0.1)
    bound = round(EXPECTED_ROUNDS / learning_rate)
    return min(arguments.get("n_estimators", bound), bound)


def _is_lightgbm(path):
    return path.startswith("lightgbm.")
