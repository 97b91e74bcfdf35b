"""Versions of the nodes of a cluster."""

import pytest

from sklearn_meta.parallel._cluster import (
    INSTALLED,
    ClusterError,
    check_versions,
    differing_versions,
    installed,
)
from tests.parallel.scripted_cluster import ScriptedCluster


def test_the_text_finds_what_the_function_finds():
    assert eval(INSTALLED) == installed()
    assert all(installed().values())


def test_the_text_needs_no_package(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert eval(INSTALLED)["sklearn_meta"] is None


def test_equal_versions_are_accepted():
    assert differing_versions(installed(), installed()) == ""
    check_versions(ScriptedCluster(versions={"one": installed(), "two": installed()}))
    check_versions(ScriptedCluster())


def test_the_error_says_which_versions_differ():
    here = installed()
    found = {
        "one": here,
        "two": {**here, "sklearn_meta": None},
        "three": {**here, "Python": "3.99", "numpy": "0.1"},
    }
    with pytest.raises(ClusterError) as error:
        check_versions(ScriptedCluster(versions=found))
    text = str(error.value)
    assert text.startswith("2 of 3 nodes of the scripted cluster have other versions")
    assert f"two: sklearn_meta is missing (here {here['sklearn_meta']})" in text
    assert f"three: Python 3.99 (here {here['Python']}), numpy 0.1 (here" in text
    assert "Install the same versions" in text and "one:" not in text
