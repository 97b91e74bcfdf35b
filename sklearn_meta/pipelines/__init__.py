"""Pipelines as trees of operators: catalog, text, compilation, search space."""

from sklearn_meta.pipelines._compile import compile_pipeline
from sklearn_meta.pipelines._hyperparameters import Choice, Float, Integer
from sklearn_meta.pipelines._operators import Catalog, Cost, Operator
from sklearn_meta.pipelines._read_estimator import read_estimator
from sklearn_meta.pipelines._schema import Schema
from sklearn_meta.pipelines._source import to_source
from sklearn_meta.pipelines._space import SearchSpace
from sklearn_meta.pipelines._spec import BuildContext, Reference, Spec
from sklearn_meta.pipelines._text import format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines.catalog._default import default_catalog

__all__ = [
    "BuildContext",
    "Catalog",
    "Choice",
    "Cost",
    "Float",
    "Integer",
    "Node",
    "Operator",
    "Reference",
    "Schema",
    "SearchSpace",
    "Spec",
    "X",
    "compile_pipeline",
    "default_catalog",
    "format_tree",
    "parse",
    "read_estimator",
    "to_source",
]
