"""Make the virtual environments of the peers.

    python -m benchmarks.peers.environments --systems flaml tpot h2o autogluon

Every version is pinned in ``requirements/NAME.txt`` and nothing is installed beside.
An environment that is complete is left alone; it is made again when the pins change.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks._runs import ROOT
from benchmarks.peers._systems import SYSTEMS

FOLDER = ROOT.parent / "peers"
REQUIREMENTS = Path(__file__).parent / "requirements"
# Holds the pins that were installed; written last.
MARK = "complete.txt"

# What must be importable, as nothing else shows that an installation is whole.
IMPORTS = {
    "autogluon": "from autogluon.tabular import TabularPredictor; "
    "import catboost, fastai, lightgbm, torch, xgboost",
    "flaml": "from flaml import AutoML; import catboost, lightgbm, xgboost",
    "h2o": "from h2o.automl import H2OAutoML",
    "tpot": "import tpot",
}


def interpreter(folder, environment):
    """Return the interpreter of an environment; this one for None."""
    if environment is None:
        return sys.executable
    return str(Path(folder).resolve() / environment / "bin" / "python")


def pins(environment):
    """Return the text of the pinned requirements of an environment."""
    return (REQUIREMENTS / f"{environment}.txt").read_text(encoding="utf-8")


def is_complete(folder, environment):
    """Whether an environment holds what is pinned now."""
    if environment is None:
        return True
    mark = Path(folder) / environment / MARK
    return mark.exists() and mark.read_text(encoding="utf-8") == pins(environment)


def make(folder, environment):
    """Make one environment.

    Raises
    ------
    subprocess.CalledProcessError
        If a step fails.
    """
    home = Path(folder).resolve() / environment
    python = interpreter(folder, environment)
    requirements = str(REQUIREMENTS / f"{environment}.txt")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(home)],
        # Without dependencies: the list is whole, and GPU libraries are left out of it.
        # Without bytecode: most of the files are never imported.
        [*pip, "--no-deps", "--no-compile", "--requirement", requirements],
        [python, "-W", "ignore", "-c", f"import pyarrow; {IMPORTS[environment]}"],
    ):
        subprocess.run(command, check=True, cwd=Path(folder))
    (home / MARK).write_text(pins(environment), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--systems", nargs="+", choices=list(IMPORTS), default=list(IMPORTS)
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in arguments.systems:
        environment = SYSTEMS[name].environment
        if is_complete(arguments.folder, environment):
            print(f"{name}: there", flush=True)
            continue
        try:
            make(arguments.folder, environment)
        except subprocess.CalledProcessError as error:
            failed.append(name)
            print(f"{name}: failed, {error}", flush=True)
        else:
            print(f"{name}: made", flush=True)
    if failed:
        raise SystemExit(f"Not made: {', '.join(failed)}.")


if __name__ == "__main__":
    main()
