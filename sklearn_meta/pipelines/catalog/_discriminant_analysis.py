"""Discriminant analysis: linear and quadratic classifiers, and the projection."""

from __future__ import annotations

from sklearn_meta._sklearn_compat import qda_shrinkage
from sklearn_meta.data._task_names import CLASSIFICATION
from sklearn_meta.pipelines._hyperparameters import Choice, Float
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines._spec import BuildContext, Spec
from sklearn_meta.pipelines.catalog._declarations import classifier, transformer

_QDA = "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis"


def _qda(params, context: BuildContext):
    """Name the shrinkage as this version of scikit-learn does."""
    return Spec(_QDA, tuple(qda_shrinkage(params["shrinkage"])))


CLASSIFIERS = (
    classifier(
        "lda",
        "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
        Choice("shrinkage", (None, "auto", 0.01, 0.1, 0.5), "auto"),
        fixed={"solver": "lsqr"},
        cost=Cost(0.004, rows=0.6, columns=1, classes=0.5),
    ),
    classifier(
        "qda",
        _QDA,
        # Without any, columns that depend on each other are refused.
        Float("shrinkage", 1e-3, 1.0, 0.1, log=True),
        cost=Cost(0.0013, rows=0.8, columns=1.3, classes=0.3),
        build=_qda,
    ),
)

LDA_PROJECTION = transformer(
    "lda_projection",
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
    tasks=(CLASSIFICATION,),
    multi_output=False,
    cost=Cost(0.002, rows=0.7),
)
