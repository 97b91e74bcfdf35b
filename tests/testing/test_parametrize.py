"""The decorator, and that the checks need no pytest."""

import subprocess
import sys

import sklearn_meta.testing
from sklearn_meta.pipelines import default_catalog
from sklearn_meta.search import EvolutionarySearch
from sklearn_meta.testing import (
    meta_feature_checks,
    operator_checks,
    parametrize_with_checks,
    strategy_checks,
)


def describe(X, y):
    return {"n": len(y)}


def ids(checks):
    @parametrize_with_checks(checks)
    def test(plugin, check):
        pass

    return [parameter.id for parameter in test.pytestmark[0].args[1]]


def test_tests_are_named_after_plugin_and_check():
    ridge = default_catalog("regression").find("ridge")
    assert "ridge-check_table[regression-wide]" in ids(operator_checks(ridge))
    assert "EvolutionarySearch(greed=0.5)-check_repeatable" in ids(
        strategy_checks(EvolutionarySearch(greed=0.5))
    )
    names = ids(meta_feature_checks(describe, "regression"))
    assert names[0] == "describe-check_odd_table[regression-ordinary]"
    for checks in (names, ids(operator_checks(ridge))):
        assert len(set(checks)) == len(checks)


def test_pytest_is_not_needed_to_check():
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from sklearn_meta.testing import check_meta_features\n"
        "check_meta_features(lambda X, y: {'n': len(y)}, 'regression')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_are_there():
    for name in sklearn_meta.testing.__all__:
        assert getattr(sklearn_meta.testing, name).__doc__
