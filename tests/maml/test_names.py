import subprocess
import sys

import pytest

import sklearn_meta.maml


def test_the_package_is_imported_without_torch():
    code = (
        "import sys; import sklearn_meta.maml as neural; dir(neural); neural.Episode;"
        "print(sorted({'torch', 'skorch', 'safetensors'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert out.stdout.decode().strip() == "[]"


def test_all_public_names_are_there():
    pytest.importorskip("torch")
    pytest.importorskip("skorch")
    assert set(sklearn_meta.maml.__all__) <= set(dir(sklearn_meta.maml))
    for name in sklearn_meta.maml.__all__:
        assert getattr(sklearn_meta.maml, name).__name__ == name


def test_an_unknown_name():
    with pytest.raises(AttributeError, match=r"sklearn_meta.maml.*'MAMLClusterer'"):
        sklearn_meta.maml.MAMLClusterer  # noqa: B018
