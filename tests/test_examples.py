"""Examples of the gallery: form, and what they leave behind.

The slow tests run them with shortened fits. The build of the documentation runs them as
they are; that of ``.ci/run`` does not.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "examples"
EXAMPLES = sorted(FOLDER.rglob("*.py"))
# Without that of Dask, which looks up the address of the machine.
SHORTENED = [path for path in EXAMPLES if path.stem != "plot_cluster"]

# Executed before an example: it makes the fits short, and refuses what an example must
# not do.
BEFORE = """
import runpy, sys

import matplotlib

matplotlib.use("Agg")

from sklearn_meta import automl

fit = automl._BaseMetaAuto.fit


def short_fit(self, *args, **kwargs):
    self.set_params(max_evaluations=1)
    return fit(self, *args, **kwargs)


automl._BaseMetaAuto.fit = short_fit


def refuse_connections(event, args):
    if event == "socket.connect":
        host = args[1][0] if isinstance(args[1], tuple) else "localhost"
        if host not in ("localhost", "127.0.0.1", "::1"):
            raise RuntimeError(f"a connection to {host}")
    if event == "socket.getaddrinfo" and args[0] not in (None, "localhost"):
        raise RuntimeError(f"a look-up of {args[0]}")


sys.addaudithook(refuse_connections)
runpy.run_path(sys.argv[1], run_name="__main__")
"""


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_ask_and_answer(path):
    assert path.name.startswith("plot_")
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    line, title, underline = ast.get_docstring(tree).splitlines()[:3]
    assert title.endswith("?")
    assert line == underline and set(line) == {"="} and len(line) >= len(title)
    # A figure, and a sentence with computed numbers.
    assert "plt.show()" in source
    printed = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
    ]
    parts = [part for node in printed for part in ast.walk(node)]
    assert any(isinstance(part, ast.JoinedStr) for part in parts)
    # No downloads; files in temporary folders only.
    assert not re.search(r"\bfetch_|openml|https?:|urlopen|savefig|\.to_csv\(", source)
    if re.search(r"knowledge_base=|checkpoint=|\.report\(", source):
        assert "tempfile.TemporaryDirectory()" in source


def test_sections_have_a_text():
    for folder in {path.parent for path in EXAMPLES}:
        title, underline = (folder / "README.rst").read_text("utf-8").splitlines()[:2]
        assert len(title) == len(underline)


@pytest.mark.slow
@pytest.mark.parametrize("path", SHORTENED, ids=lambda path: path.stem)
def test_examples_leave_nothing_behind(path, tmp_path):
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BEFORE, path],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    assert list(here.iterdir()) == []
    # That of torch is its own.
    left = [path.name for path in temporary.iterdir()]
    assert [name for name in left if not name.startswith("torchinductor_")] == []
