"""The Python source of a pipeline makes the same pipeline, without this package."""

import ast
import subprocess
import sys

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.data._task_names import REGRESSION
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._source import spec_source, to_source
from sklearn_meta.pipelines._spec import Reference, Spec, instantiate
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.testing import make_table
from tests.pipelines.every_kind import CATALOGS


def run(source):
    namespace = {}
    exec(compile(source, "pipeline.py", "exec"), namespace)
    return namespace["pipeline"]


def test_source_of_a_whole_pipeline_is_readable():
    tree = Node("linear", (Node("pca", (X,), (("n_components", 0.5),)),))
    source = to_source(
        tree, Schema(3, missing=(1,)), catalog=CATALOGS[REGRESSION], n_classes=1,
        random_state=3,
    )  # fmt: skip
    assert (
        source
        == """\
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline

pipeline = Pipeline([
    ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
    ("pca", PCA(n_components=0.5, random_state=3)),
    ("linear", Ridge()),
])
"""
    )


def test_iterations_and_encoder_are_in_the_source():
    source = to_source(
        Node("lightgbm", (X,)), Schema(1, 1, (2,)), catalog=CATALOGS[REGRESSION],
        n_classes=1, random_state=0, iterations=77,
        encoder=Spec("sklearn.preprocessing.OrdinalEncoder"),
    )  # fmt: skip
    assert "n_estimators=77" in source
    assert '("encode", OrdinalEncoder())' in source
    assert "categorical_column=[0]" in source


def test_source_runs_where_this_package_cannot_be_imported(tmp_path):
    tree = Node(
        "linear", (Node("stack", (Node("lightgbm", (X,)), Node("linear", (X,)))),)
    )
    table, schema = make_table("mixed")
    source = to_source(
        tree, schema, catalog=CATALOGS[REGRESSION], n_classes=1, random_state=0
    )
    script = "import sys\nsys.modules['sklearn_meta'] = None\n" + source
    script += "pipeline.fit([[0, 1, 2, 3, 4, 5], [1, 0, 5, 4, 3, 2]] * 10, [0, 1] * 10)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_classes_of_the_same_name_are_kept_apart():
    spec = Spec(
        "sklearn.pipeline.Pipeline",
        (("steps", [
            ("one", Spec("sklearn.linear_model.Ridge")),
            ("two", Spec("sklearn.linear_model._ridge.Ridge")),
        ]),),
    )  # fmt: skip
    source = spec_source(spec, "pipeline")
    assert "import sklearn.linear_model._ridge\n" in source
    assert '("two", sklearn.linear_model._ridge.Ridge())' in source
    assert [type(step).__name__ for _, step in run(source).steps] == ["Ridge"] * 2


def test_references_and_constants_of_numpy_and_pandas():
    spec = Spec(
        "sklearn.preprocessing.FunctionTransformer",
        (
            ("func", Reference("pandas.DataFrame.astype")),
            ("inverse_func", Reference("numpy.log1p")),
            ("kw_args", {"a": float("nan"), "b": -float("inf"), "c": np.float64(1.5),
                         "d": np.int64(2), "e": (1,), "f": slice(1, None, 2),
                         "g": Reference("builtins.float")}),
        ),
    )  # fmt: skip
    source = spec_source(spec, "pipeline")
    made, expected = run(source), instantiate(spec)
    assert made.func is expected.func
    assert made.inverse_func is np.log1p
    assert np.isnan(made.kw_args.pop("a"))
    expected.kw_args.pop("a")
    assert made.kw_args == expected.kw_args
    assert "import numpy as np\nimport pandas as pd\n" in source


def test_a_name_of_an_import_does_not_hide_the_result():
    source = spec_source(Spec("sklearn.linear_model.Ridge"), "Ridge")
    namespace = {}
    exec(source, namespace)
    assert type(namespace["Ridge"]).__name__ == "Ridge"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.builds(slice, st.integers(), st.none() | st.integers()),
    lambda inner: (
        st.lists(inner, max_size=30)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | inner.map(lambda v: Spec("types.SimpleNamespace", (("value", v),)))
    ),
    max_leaves=30,
)


@given(VALUES)
def test_source_and_object_are_two_readings_of_the_same(value):
    spec = Spec("types.SimpleNamespace", (("first", value), ("second", 1)))
    source = spec_source(spec, "pipeline")
    ast.parse(source)
    assert run(source) == instantiate(spec)


def test_long_values_stay_within_the_line():
    numbers = list(range(200))
    names = [f"level number {i}" for i in range(40)]
    spec = Spec(
        "types.SimpleNamespace",
        (("numbers", numbers), ("names", [names, names]), ("steps", {"a": numbers})),
    )
    source = spec_source(spec, "pipeline")
    assert max(map(len, source.splitlines())) <= 88
    assert run(source) == instantiate(spec)
