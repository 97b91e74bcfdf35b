"""Parametrize a test of pytest with checks."""

from __future__ import annotations

from collections.abc import Iterable


def parametrize_with_checks(checks: Iterable):
    """Decorate a test so that it runs once for each check.

    Parameters
    ----------
    checks : iterable of (object, Check)
        From `operator_checks`, `strategy_checks` or `meta_feature_checks`, or a chain
        of them.

    Returns
    -------
    decorator : callable
        For a test function with the arguments `plugin` and `check`.

    Examples
    --------
    In a module of tests::

        @parametrize_with_checks(operator_checks(MY_OPERATOR))
        def test_my_operator(plugin, check):
            check(plugin)
    """
    # Imported late: pytest is needed by tests only.
    import pytest

    return pytest.mark.parametrize(
        "plugin, check",
        [
            pytest.param(plugin, check, id=f"{_label(plugin)}-{check.name}")
            for plugin, check in checks
        ],
    )


def _label(plugin):
    """Return a short name of a plugin: of an operator, a function or a strategy."""
    for attribute in ("name", "__name__"):
        if isinstance(getattr(plugin, attribute, None), str):
            return getattr(plugin, attribute)
    # The repr of a strategy shows its parameters, on several lines.
    return " ".join(repr(plugin).split())
