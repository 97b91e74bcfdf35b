"""The public names, and that estimators do not depend on meta-training."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")
pytest.importorskip("skorch")

import sklearn_meta.maml  # noqa: E402


def test_all_public_names_are_there():
    for name in sklearn_meta.maml.__all__:
        assert getattr(sklearn_meta.maml, name).__name__ == name


def test_estimators_do_not_import_meta_training():
    code = (
        "import sys; from sklearn_meta.maml import MAMLRegressor as R;"
        "R().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).predict([[0.5]]);"
        "print([name for name in sys.modules if 'maml.training' in name])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert out.stdout.decode().strip() == "[]"
