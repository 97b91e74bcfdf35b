"""Model files: what is saved is loaded, and nothing else is."""

import json
import os
import sys
import zipfile

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.linear_model import Ridge

from sklearn_meta import MetaAutoRegressor
from sklearn_meta.cli import load_model, save_model
from sklearn_meta.cli._errors import UsageError
from sklearn_meta.cli._models import DESCRIPTION, differing_versions, read_saved
from tests.contract.small import Favorites, people, prices


def test_what_was_saved_is_loaded(people_model):
    saved = read_saved(people_model)
    assert saved.target == "customer"
    assert differing_versions(saved) == ""
    frame, target = people()
    assert (saved.model.predict(frame) == target).mean() > 0.9
    assert saved.model.leaderboard_ is not None


def test_skops_itself_reads_the_file(homes_model):
    trusted = skops.io.get_untrusted_types(file=homes_model)
    loaded = skops.io.load(homes_model, trusted=trusted)
    frame, _ = prices()
    np.testing.assert_array_equal(
        loaded.predict(frame), load_model(homes_model).predict(frame)
    )


def test_a_file_of_skops_itself_is_read(homes_model, tmp_path):
    path = tmp_path / "a.skops"
    skops.io.dump(load_model(homes_model), path)
    saved = read_saved(path)
    assert saved.target is None and saved.versions == {}


def test_other_versions_are_named(homes_model, tmp_path):
    path = tmp_path / "a.skops"
    description = {"target": "price", "versions": {"scikit-learn": "0.1", "x": "1"}}
    with zipfile.ZipFile(homes_model) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if name != DESCRIPTION:
                new.writestr(name, old.read(name))
        new.writestr(DESCRIPTION, json.dumps(description))
    assert differing_versions(read_saved(path)).startswith("scikit-learn 0.1 (here ")


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_pickles_are_loaded_if_that_is_allowed(homes_model, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    model = load_model(homes_model)
    save_model(model, path)
    with pytest.raises(UsageError, match="is a pickle, .* --allow-pickle"):
        load_model(path)
    frame, _ = prices()
    np.testing.assert_array_equal(
        load_model(path, allow_pickle=True).predict(frame), model.predict(frame)
    )


class Evil:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, path):
        self.path = os.fspath(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_refused_pickle_runs_nothing(tmp_path):
    joblib.dump(Evil(tmp_path / "made"), tmp_path / "a.pkl")
    with pytest.raises(UsageError, match="is a pickle"):
        load_model(tmp_path / "a.pkl")
    assert not (tmp_path / "made").exists()


def test_functions_in_a_file_are_refused(homes_model, tmp_path):
    model = load_model(homes_model)
    model.scoring = os.system
    path = tmp_path / "a.skops"
    save_model(model, path)
    with pytest.raises(UsageError, match=r"not loaded: it holds '(posix|nt)\.system'"):
        load_model(path)


def forged(path, schema):
    """Write a file of skops by hand."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({**schema, "protocol": 2, "_skops_version": "0"})
        )


def a_tuple(*texts):
    return {
        "__class__": "tuple",
        "__module__": "builtins",
        "__loader__": "TupleNode",
        "content": [
            {
                "__class__": "str",
                "__module__": "builtins",
                "__loader__": "JsonNode",
                "content": json.dumps(text),
                "is_json": True,
            }
            for text in texts
        ],
    }


@pytest.mark.parametrize(
    "module, name",
    [
        ("os", "mkdir"),
        ("posix", "mkdir"),
        ("builtins", "exec"),
        ("sklearn_meta.metalearning.knowledge_base._knowledge_base", "KnowledgeBase"),
    ],
)
def test_calls_in_a_forged_file_are_refused(tmp_path, module, name):
    path, made = tmp_path / "a.skops", tmp_path / "made"
    forged(
        path,
        {
            "__class__": name,
            "__module__": module,
            "__loader__": "ConstructorFromReduceNode",
            "content": a_tuple(os.fspath(made)),
        },
    )
    with pytest.raises(UsageError, match=f"it holds '{module}.{name}'"):
        load_model(path)
    assert not made.exists()


def test_operators_of_users_are_refused(homes_model, tmp_path):
    model = load_model(homes_model).set_params(meta_learner=Favorites())
    save_model(model, tmp_path / "a.skops")
    with pytest.raises(UsageError, match="'tests.contract.small.Favorites'"):
        load_model(tmp_path / "a.skops")


def test_other_objects_are_no_models(tmp_path):
    skops.io.dump(Ridge(), tmp_path / "a.skops")
    with pytest.raises(UsageError, match="holds an object of the type Ridge"):
        load_model(tmp_path / "a.skops")
    save_model(MetaAutoRegressor(), tmp_path / "a.skops")
    with pytest.raises(UsageError, match="is not fitted"):
        load_model(tmp_path / "a.skops")


@pytest.mark.parametrize("name", ["model", "model.onnx", "model.skops.zip"])
def test_names_of_other_files(name, homes_model, tmp_path):
    with pytest.raises(UsageError, match="must end in .skops"):
        save_model(load_model(homes_model), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_damaged_files(homes_model, tmp_path):
    path = tmp_path / "a.skops"
    path.write_bytes(b"no archive")
    with pytest.raises(UsageError, match="not a file of skops, or is damaged"):
        load_model(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", '{"protocol": 2}')
    with pytest.raises(UsageError, match="cannot be read"):
        load_model(path)


def test_what_to_install_is_said(homes_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(UsageError, match=r'pip install "sklearn-meta\[cli\]"'):
        load_model(homes_model)
