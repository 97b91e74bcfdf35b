"""Which pipelines convert to ONNX, and how far their predictions are from the original.

    python -m benchmarks.onnx [--operators ridge lightgbm ...]

One pipeline for each learner and wrapper of the catalog, with default hyperparameters
and what the compiler inserts, is fitted on a numeric table without and with missing
values, converted with skl2onnx (LightGBM with the converter of onnxmltools) and run
with onnxruntime. Needs skl2onnx, onnxmltools and onnxruntime, which are in no extra.
Input and arithmetic of ONNX are in single precision: the original predicts from the
same rounded values. Differences are those of probabilities, and of targets in their
standard deviations.
"""

from __future__ import annotations

import argparse
import warnings
from importlib.metadata import version

import numpy as np

from sklearn_meta.data._task_names import CLASSIFICATION, TASKS
from sklearn_meta.pipelines import Schema, compile_pipeline, default_catalog
from sklearn_meta.pipelines._tree import Node, X

PACKAGES = ("scikit-learn", "lightgbm", "skl2onnx", "onnxmltools", "onnxruntime")
N_ROWS, N_TRAINING, N_COLUMNS, N_CLASSES = 400, 300, 6, 3
# Shares of missing values.
MISSING = (0.0, 0.03)

# Differences of probabilities, or of targets in standard deviations, up to which a
# conversion counts as right.
TOLERANCE = 1e-3

# Inside of wrappers.
INNER = {"regression": "ridge", "classification": "logistic_regression"}


def make_numbers(task, missing, seed=0):
    """Make a numeric table in single precision with a share of NaN, and a target."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(N_ROWS, N_COLUMNS)).astype(np.float32)
    signal = values[:, 0] - np.abs(values[:, 1]) + 0.3 * rng.normal(size=N_ROWS)
    values[rng.uniform(size=values.shape) < missing] = np.nan
    if task == CLASSIFICATION:
        bins = np.quantile(signal, np.arange(1, N_CLASSES) / N_CLASSES)
        return values, np.digitize(signal, bins)
    return values, signal / signal.std()


def pipeline_of(operator, task):
    """Compile the pipeline of a learner or wrapper with default hyperparameters."""
    inner = Node(INNER[task], (X,)) if operator.kind == "wrapper" else X
    return compile_pipeline(
        Node(operator.name, (inner,)),
        Schema(N_COLUMNS, missing=tuple(range(N_COLUMNS))),
        catalog=default_catalog(task),
        n_classes=N_CLASSES if task == CLASSIFICATION else 1,
        random_state=0,
    )


def register_lightgbm():
    """Tell skl2onnx how LightGBM is converted."""
    from lightgbm import LGBMClassifier, LGBMRegressor
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import (
        convert_lightgbm,
    )
    from skl2onnx import update_registered_converter
    from skl2onnx.common.shape_calculator import (
        calculate_linear_classifier_output_shapes,
        calculate_linear_regressor_output_shapes,
    )

    update_registered_converter(
        LGBMClassifier,
        "LightGbmLGBMClassifier",
        calculate_linear_classifier_output_shapes,
        convert_lightgbm,
        options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
    )
    update_registered_converter(
        LGBMRegressor,
        "LightGbmLGBMRegressor",
        calculate_linear_regressor_output_shapes,
        convert_lightgbm,
        options={"split": None},
    )


def to_onnx(estimator, values):
    """Convert a fitted estimator that takes a numeric table; return the bytes."""
    from skl2onnx import to_onnx as convert

    options = {}
    if hasattr(estimator, "predict_proba"):
        options = {id(estimator): {"zipmap": False}}
    model = convert(
        estimator,
        values[:1],
        options=options,
        target_opset={"": 18, "ai.onnx.ml": 3},
    )
    return model.SerializeToString()


def run_onnx(data, values):
    """Return the probabilities or targets that a converted model predicts."""
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        data, settings, providers=["CPUExecutionProvider"]
    )
    outputs = session.run(None, {session.get_inputs()[0].name: values})
    return np.asarray(outputs[-1])


def difference(estimator, values):
    """Convert an estimator; return the largest difference of its predictions.

    Raises
    ------
    Exception
        What skl2onnx or onnxruntime raise where they cannot do it.
    """
    predict = getattr(estimator, "predict_proba", estimator.predict)
    expected = np.asarray(predict(values.astype(np.float64)))
    given = run_onnx(to_onnx(estimator, values), values)
    return float(np.abs(given.reshape(expected.shape) - expected).max())


def outcome(operator, task, missing):
    """Return the difference, or why the pipeline of an operator is not converted."""
    values, y = make_numbers(task, missing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = pipeline_of(operator, task)
        pipeline.fit(values[:N_TRAINING].astype(np.float64), y[:N_TRAINING])
        try:
            return difference(pipeline, values[N_TRAINING:])
        except Exception as error:
            return _reason(error)


def _reason(error):
    """Return the first line of an error, shortened."""
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}"[:60]


def _said(found):
    """Return what is printed of an outcome."""
    if not isinstance(found, float):
        return found
    return f"{'yes' if found <= TOLERANCE else 'WRONG'}, {found:.0e}"


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--operators", nargs="+")
    names = parser.parse_args(argv).operators
    register_lightgbm()
    print(", ".join(f"{package} {version(package)}" for package in PACKAGES))
    for task in TASKS:
        for operator in default_catalog(task):
            if operator.kind not in ("learner", "wrapper"):
                continue
            if names and operator.name not in names:
                continue
            found = [_said(outcome(operator, task, share)) for share in MISSING]
            print(f"{task:15} {operator.name:23}", *found, sep=" | ", flush=True)


if __name__ == "__main__":
    main()
