"""What `render` writes is what `instantiate` makes."""

import ast

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler

from sklearn_meta.pipelines._spec import (
    Reference,
    Spec,
    instantiate,
    locate,
    render,
    resolve,
)


def last_name(path):
    return path.rpartition(".")[2]


@pytest.mark.parametrize(
    "levels",
    [
        ["New York", "Rio de Janeiro", "a, b", "it's", 'say "x"', "back\\slash"] * 4,
        [float(i) for i in range(60)],
        ["x" * 200],
        [None, np.nan, "a"],
    ],
)
def test_long_lists_keep_every_item_as_it_is(levels):
    spec = Spec("sklearn.preprocessing.OrdinalEncoder", (("categories", [levels]),))
    source = render(spec, last_name)
    assert max(map(len, source.splitlines())) <= 88 or len(levels) == 1
    ast.parse(source)
    made = eval(source, {"OrdinalEncoder": OrdinalEncoder, "nan": np.nan})
    np.testing.assert_equal(made.categories, instantiate(spec).categories)


def test_nested_calls_and_references():
    function = "sklearn.preprocessing.FunctionTransformer"
    spec = Spec(
        "sklearn.pipeline.Pipeline",
        (
            (
                "steps",
                [
                    ("log", Spec(function, (("func", Reference("numpy.log1p")),))),
                    ("scale", Spec("sklearn.preprocessing.StandardScaler")),
                ],
            ),
        ),
    )
    pipeline = instantiate(spec)
    assert isinstance(pipeline, Pipeline)
    assert pipeline[0].func is np.log1p
    assert isinstance(pipeline[1], StandardScaler)
    ast.parse(render(spec, last_name))


@pytest.mark.parametrize(
    "path, expected",
    [
        ("sklearn.linear_model.Ridge", ("sklearn.linear_model", "Ridge")),
        ("pandas.DataFrame.astype", ("pandas", "DataFrame.astype")),
        ("builtins.float", ("builtins", "float")),
    ],
)
def test_locate(path, expected):
    assert locate(path) == expected


@pytest.mark.parametrize(
    "path", ["no_such_package_at_all.Ridge", "sklearn.linear_model.Rigde"]
)
def test_paths_that_lead_nowhere(path):
    with pytest.raises(ImportError, match=f"Cannot import '{path}'"):
        resolve(path)
