"""What importing the package costs.

    python -m benchmarks.import_time

The smallest of several times in fresh interpreters: other work on the machine can only
add to it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HEAVY = ("torch", "skorch", "lightgbm", "pandas", "matplotlib")
# scikit-learn itself loads pandas where it is installed.
REFERENCE = "import sklearn.pipeline"
STATEMENTS = (
    REFERENCE,
    "import sklearn_meta",
    "from sklearn_meta import MetaAutoClassifier",
)
CODE = """
import time
start = time.perf_counter()
{statement}
seconds = time.perf_counter() - start
import json, sys
print(json.dumps([seconds, sorted({{m.partition(".")[0] for m in sys.modules}})]))
"""


def import_once(statement):
    """Return the seconds of one import and the top-level modules it loaded."""
    output = subprocess.run(
        [sys.executable, "-c", CODE.format(statement=statement)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return json.loads(output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=10)
    arguments = parser.parse_args()
    seconds = {statement: [] for statement in STATEMENTS}
    loaded = {}
    for _ in range(arguments.repeats):
        for statement in STATEMENTS:
            once, loaded[statement] = import_once(statement)
            seconds[statement].append(once)
    for statement in STATEMENTS:
        best = min(seconds[statement])
        heavy = sorted(set(HEAVY) & set(loaded[statement]))
        print(
            f"{statement:46s}{1000 * best:8.1f} ms"
            f"{best / min(seconds[REFERENCE]):7.2f} x  loads "
            f"{', '.join(heavy) or 'none of ' + ', '.join(HEAVY)}"
        )


if __name__ == "__main__":
    main()
