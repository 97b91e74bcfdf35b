"""What can be said of the package without running any of it."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.version import Version

import sklearn_meta

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "skorch", "lightgbm", "pandas", "matplotlib", "distributed", "ray")
TEXT_SUFFIXES = {".cfg", ".in", ".md", ".py", ".rst", ".toml", ".txt", ".yaml", ""}


def fresh_interpreter(code):
    """Standard output of `code` in an interpreter that has imported nothing."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def loaded_by(statement):
    """Top-level modules that a fresh interpreter has after `statement`."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(list(sys.modules)))"
    return {name.partition(".")[0] for name in json.loads(fresh_interpreter(code))}


def test_import_loads_nothing_heavy():
    loaded = loaded_by("import sklearn_meta")
    assert "sklearn_meta" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_public_names_load_nothing_that_scikit_learn_does_not():
    # scikit-learn itself imports pandas where it is installed.
    unavoidable = loaded_by("import sklearn.pipeline, sklearn.model_selection")
    loaded = loaded_by(
        "from sklearn_meta import MetaAutoClassifier, MetaAutoRegressor\n"
        "import sklearn_meta.pipelines, sklearn_meta.search, sklearn_meta.evaluation"
    )
    assert (loaded - unavoidable).isdisjoint(HEAVY)


def import_milliseconds(statement):
    code = (
        "import time\nstart = time.perf_counter()\n"
        f"{statement}\nprint((time.perf_counter() - start) * 1000)"
    )
    return float(fresh_interpreter(code))


@pytest.mark.alone
def test_import_costs_no_more_than_sklearn():
    # The smallest of several interleaved times: other work on the machine only adds.
    ours, theirs = [], []
    for _ in range(3):
        ours.append(import_milliseconds("import sklearn_meta"))
        theirs.append(import_milliseconds("import sklearn.pipeline"))
    assert min(ours) <= 1.2 * min(theirs)


def test_importing_changes_nothing_global():
    # scikit-learn is imported first: it sets variables of the environment itself.
    code = """
import logging, os, warnings
import numpy as np
import sklearn.pipeline, sklearn.ensemble, sklearn.model_selection

def state():
    return (np.random.get_state()[1].tolist(), dict(os.environ), logging.root.level,
            list(logging.root.handlers), list(warnings.filters), os.listdir("."))

before = state()
from sklearn_meta import MetaAutoClassifier
MetaAutoClassifier()
print([a == b for a, b in zip(before, state(), strict=True)])
"""
    assert fresh_interpreter(code).strip() == str([True] * 6)


def test_public_names():
    assert set(sklearn_meta.__all__) <= set(dir(sklearn_meta))
    from sklearn_meta import automl, mlp

    assert sklearn_meta.MetaAutoClassifier is automl.MetaAutoClassifier
    assert sklearn_meta.MetaAutoRegressor is automl.MetaAutoRegressor
    assert sklearn_meta.BaggedMLPClassifier is mlp.BaggedMLPClassifier
    assert sklearn_meta.BaggedMLPRegressor is mlp.BaggedMLPRegressor


def test_public_names_of_networks():
    maml = pytest.importorskip("sklearn_meta.maml", exc_type=ModuleNotFoundError)
    assert sklearn_meta.MAMLClassifier is maml.MAMLClassifier
    assert sklearn_meta.MAMLRegressor is maml.MAMLRegressor


def test_all_names_every_public_estimator():
    defined = {
        name
        for path in (ROOT / "sklearn_meta").glob("*/__init__.py")
        for name in re.findall(r'"(\w+(?:Classifier|Regressor))"', path.read_text())
        # What a search returns, not what a user begins with.
        if not name.startswith("WeightedEnsemble")
    }
    defined |= {"MetaAutoClassifier", "MetaAutoRegressor"}
    assert set(sklearn_meta.__all__) == defined | {"__version__"}


@pytest.mark.parametrize("missing", ["torch", "skorch"])
def test_networks_name_the_packages_that_they_need(missing):
    code = f"""
import sys

class NotInstalled:
    def find_spec(name, path=None, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, NotInstalled)
from sklearn_meta import BaggedMLPClassifier
try:
    from sklearn_meta import MAMLClassifier
except ImportError as error:
    print(type(error).__name__, error.name, error)
"""
    message = fresh_interpreter(code)
    if missing == "skorch":
        pytest.importorskip("torch")
    assert message.startswith(f"ImportError {missing} MAMLClassifier needs {missing}")
    assert "pip install torch skorch" in message


def test_unknown_name():
    with pytest.raises(AttributeError, match=r"sklearn_meta.*'MetaAutoClusterer'"):
        sklearn_meta.MetaAutoClusterer  # noqa: B018


def text_files():
    # What git tracks or would track; in a copy without git, all but the environment and
    # the caches of tools.
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists():
        listed = subprocess.run(
            command, cwd=ROOT, check=True, capture_output=True, text=True
        )
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        left_out = {".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
        paths = [p for p in ROOT.rglob("*") if left_out.isdisjoint(p.parts)]
    return [p for p in paths if p.suffix in TEXT_SUFFIXES and p.is_file()]


def test_no_absolute_path_in_the_tree():
    # A path that exists on one machine only. Places that are the same everywhere, such
    # as /proc and /dev, are not meant.
    pattern = re.compile(r"(?<![\w./~])/(?:work|home|root|Users|opt|mnt)/\w")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in text_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_architecture_names_files_that_exist():
    text = (ROOT / "doc" / "architecture.md").read_text(encoding="utf-8")
    package, folder, missing = ROOT / "sklearn_meta", None, []
    for line in text.splitlines():
        # In the listing a file belongs to the folder above it.
        if heading := re.match(r" {6}(\w+)/ ", line):
            folder = heading.group(1)
        for name in re.findall(r"[\w/]*\w\.py", line):
            within = folder if line.startswith(" " * 8) else ""
            found = [package / within / name, package / "maml" / "training" / name]
            if not any(path.is_file() for path in found):
                missing.append(name)
    assert folder is not None and missing == []


def test_readme_tells_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:bash|sh|console)\n(.*?)```", readme, flags=re.DOTALL)
    commands = [line for block in blocks for line in block.strip().splitlines()]
    assert len(commands) == 2
    job, tests = commands
    script = re.search(r"examples/\w+\.py", job).group()
    assert (ROOT / script).is_file()
    assert "python -m pytest" in tests
    assert all("pip install -c constraints.txt" in command for command in commands)


def test_constraints_cover_the_dependencies():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = project["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    needed = {
        re.match(r"[\w-]+", entry).group() for entries in lists for entry in entries
    }
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    assert {name.lower() for name in needed} <= {name.lower() for name in pinned}
    assert pinned["torch"] == "2.13.0"


def test_lower_bounds_are_the_oldest_versions_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = project["project"]
    pinned = dict(
        line.split("==")
        for line in (ROOT / "constraints-oldest.txt").read_text().splitlines()
        if not line.startswith("#")
    )
    lists = [project["dependencies"]]
    lists += [
        project["optional-dependencies"][e] for e in ("plot", "benchmark", "test")
    ]
    bounds = dict(
        entry.split(">=") for entries in lists for entry in entries if ">=" in entry
    )
    # Not in the job of the oldest versions.
    assert bounds.keys() - pinned.keys() == {
        "distributed",
        "numpydoc",
        "pymfe",
        "ray",
        "skorch",
        "torch",
    }
    for name, bound in bounds.items():
        if name in pinned:
            assert Version(bound) == Version(pinned[name]), name


def test_only_meta_learned_networks_need_torch():
    code = """
import importlib, pkgutil, sys

class NotInstalled:
    def find_spec(name, path=None, target=None):
        if name in ("torch", "skorch"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NotInstalled)
import sklearn_meta
need = set()
for module in pkgutil.walk_packages(sklearn_meta.__path__, "sklearn_meta."):
    try:
        importlib.import_module(module.name)
    except ModuleNotFoundError as error:
        assert error.name in ("torch", "skorch"), (module.name, error)
        need.add(".".join(module.name.split(".")[:2]))
print(sorted(need))
"""
    assert fresh_interpreter(code).strip() == str(["sklearn_meta.maml"])


@pytest.mark.slow
def test_wheel_contents(tmp_path):
    # Built from a copy: a build writes beside the sources, and takes what an earlier
    # one has left there.
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.cfg", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "sklearn_meta",
        source / "sklearn_meta",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        + ["--wheel-dir", str(tmp_path), str(source)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = next(n for n in archive.namelist() if n.endswith("/METADATA"))
        text = archive.read(metadata).decode()
    package = ROOT / "sklearn_meta"
    expected = {
        path.relative_to(ROOT).as_posix()
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert names == expected
    assert f"\nVersion: {sklearn_meta.__version__}\n" in text
    assert "\nLicense-Expression: BSD-3-Clause\n" in text
