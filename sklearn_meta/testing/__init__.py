"""Common checks of operators, search strategies and meta-features."""

from sklearn_meta.testing._check import Check
from sklearn_meta.testing._meta_feature_checks import (
    check_meta_features,
    meta_feature_checks,
)
from sklearn_meta.testing._operator_checks import check_operator, operator_checks
from sklearn_meta.testing._parametrize import parametrize_with_checks
from sklearn_meta.testing._search_runs import (
    make_evaluation,
    make_problem,
    run_search,
)
from sklearn_meta.testing._strategy_checks import check_strategy, strategy_checks
from sklearn_meta.testing._tables import TABLE_KINDS, make_table, make_target

__all__ = [
    "TABLE_KINDS",
    "Check",
    "check_meta_features",
    "check_operator",
    "check_strategy",
    "make_evaluation",
    "make_problem",
    "make_table",
    "make_target",
    "meta_feature_checks",
    "operator_checks",
    "parametrize_with_checks",
    "run_search",
    "strategy_checks",
]
