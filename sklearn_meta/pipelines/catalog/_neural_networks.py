"""Neural networks: multilayer perceptrons, bagged ones, and meta-learned ones."""

from __future__ import annotations

from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._composition import composed, unchanged
from sklearn_meta.pipelines.catalog._declarations import (
    class_suffix,
    for_both_tasks,
    learner,
    scaled_regressor,
)

_NETWORK = (
    Integer("layer_size", 16, 256, 64, log=True),
    Integer("n_layers", 1, 3, 1),
    Choice("activation", ("relu", "tanh"), "relu"),
    Float("alpha", 1e-6, 10.0, 1e-4, log=True),
    Float("learning_rate_init", 1e-4, 0.03, 1e-3, log=True),
    Choice("early_stopping", (False, True), False),
)


def _layers(params):
    """Write the sizes of the hidden layers, which are all equal."""
    params = dict(params)
    size, n = params.pop("layer_size"), params.pop("n_layers")
    return {"hidden_layer_sizes": (size,) * n, **params}


def _maml(params, context: BuildContext):
    """Pass on which columns hold codes: the network averages the target over them."""
    call = Spec(
        "sklearn_meta.maml.MAML" + class_suffix(context.task),
        (
            *params.items(),
            *context.fixed.items(),
            ("random_state", context.random_state),
        ),
    )
    if not context.n_categorical:
        return call
    return call.with_params(categorical_features=list(range(context.n_categorical)))


CLASSIFIERS = (
    composed(
        "mlp",
        "learner",
        "sklearn.neural_network.MLPClassifier",
        unchanged,
        tasks=(CLASSIFICATION,),
        hyperparameters=_NETWORK,
        arguments=_layers,
        fixed={"max_iter": 200},
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(
            0.35, columns=0.3, params={"layer_size": 0.7, "n_layers": 0.7}, least=0.03
        ),
    ),
)

REGRESSORS = (
    scaled_regressor(
        "mlp",
        "sklearn.neural_network.MLPRegressor",
        *_NETWORK,
        arguments=_layers,
        fixed={"max_iter": 200},
        random_state=True,
        sample_weight=True,
        multi_output=True,
        cost=Cost(
            0.25, columns=0.3, params={"layer_size": 0.7, "n_layers": 0.7}, least=0.03
        ),
    ),
)

BAGGED_MLPS = for_both_tasks(
    lambda task: composed(
        "bagged_mlp",
        "learner",
        "sklearn_meta.mlp.BaggedMLP" + class_suffix(task),
        unchanged,
        tasks=(task,),
        hyperparameters=(
            Integer("n_bins", 0, 24, 6),
            Integer("layer_size", 16, 256, 64, log=True),
            Integer("n_layers", 1, 3, 2),
            Float("dropout", 0.0, 0.5, 0.1),
            Float("alpha", 1e-4, 1.0, 0.01, log=True),
            Float("learning_rate_init", 0.002, 0.1, 0.02, log=True),
            Integer("max_steps", 300, 10_000, 2_000, log=True),
        ),
        arguments=_layers,
        accepts_missing=True,
        random_state=True,
        # The number of steps is bounded on many rows, hence the small exponent.
        cost=Cost(
            1.0,
            rows=0.7,
            columns=0.4,
            classes=0.1,
            params={"layer_size": 0.7, "n_layers": 0.7, "max_steps": 0.5},
            least=0.1,
        ),
    )
)

MAMLS = for_both_tasks(
    lambda task: learner(
        "maml",
        "sklearn_meta.maml.MAML" + class_suffix(task),
        # Steps of the head only: adapting every layer takes a hundred times as long.
        Integer("n_adaptation_steps", 1, 100, 5, log=True),
        Float("learning_rate", 0.1, 10.0, 1.0, log=True),
        Integer("max_support_rows", 64, 512, 512, log=True),
        task=task,
        # A worker has one thread; a GPU would be one for all of them.
        fixed={"fine_tune": "head", "device": "cpu"},
        accepts_missing=True,
        accepts_categories=True,
        accepts_sparse=True,
        random_state=True,
        sample_weight=True,
        requires=("skorch", "torch"),
        # Grows with the square of the rows, up to the hundreds that it predicts from.
        cost=Cost(
            1.5,
            rows=1.2,
            columns=0.8,
            classes=0.5,
            params={"n_adaptation_steps": 0.4, "max_support_rows": 0.7},
            least=0.02,
        ),
        build=_maml,
    ),
)
