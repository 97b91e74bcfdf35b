"""How many of scikit-learn's checks do AutoML estimators pass?

    python -m benchmarks.compliance run
    python -m benchmarks.compliance report

`run` makes a virtual environment for each of the other systems, installs the system
there, and runs the checks of ``check_estimator`` on each estimator with the Python of
its environment. Each check has a process of its own and a time limit, and appends one
JSON line to the results; started again, the run goes on where it was. `report` prints
the table: checks passed of those that apply, and why the others failed.

The other systems have no default that ends early on tiny tables, so they get about the
shortest search that their parameters allow; ours are checked with a short search and as
they come. A check that skips itself, because the tags of the estimator say that it does
not apply, is not counted. An estimator whose tags cannot be read before it is fitted
gets the checks of its kind that its signature allows.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import sklearn_meta
from benchmarks._checks import GENERATOR
from benchmarks._runs import ROOT, append_line, read_lines

RESULTS = Path(__file__).parent / "results" / "compliance.jsonl"
ENVIRONMENTS = Path(__file__).parent / "results" / "environments"
CHECKS = Path(__file__).parent / "_checks.py"
# Reasons of failures that the table names, and how much of each.
N_REASONS, REASON_LENGTH = 3, 80


@dataclass(frozen=True)
class Estimator:
    """A class and the arguments that it is made with.

    Parameters
    ----------
    module, name : str
        Where it is.
    parameters : dict
    label : str
        What it is called in the table.
    like : str
        Class of `sklearn.ensemble` that gets the same checks, where the tags of the
        estimator cannot be read.
    """

    module: str
    name: str
    parameters: dict = field(default_factory=dict)
    label: str = ""
    like: str = "HistGradientBoostingClassifier"

    def __post_init__(self):
        object.__setattr__(self, "label", self.label or self.name)


# FLAML's AutoML is classifier and regressor in one.
FLAML = {"time_budget": 1, "n_jobs": 1, "verbose": 0, "estimator_list": ["lgbm", "rf"]}
TPOT = {
    "search_space": "linear-light",
    "max_time_mins": 0.07,
    "max_eval_time_mins": 0.05,
    "cv": 2,
    "n_jobs": 1,
    "verbose": 0,
}
SHORT = {"max_evaluations": 2, "random_state": 0}
SYSTEMS = {
    "sklearn_meta": (
        Estimator("sklearn_meta.ensemble", "WeightedEnsembleClassifier"),
        Estimator("sklearn_meta.ensemble", "WeightedEnsembleRegressor"),
        Estimator("sklearn_meta.maml", "MAMLClassifier"),
        Estimator("sklearn_meta.maml", "MAMLRegressor"),
        Estimator("sklearn_meta.mlp", "BaggedMLPClassifier"),
        Estimator("sklearn_meta.mlp", "BaggedMLPRegressor"),
        Estimator(
            "sklearn_meta", "MetaAutoClassifier", SHORT, "MetaAutoClassifier (short)"
        ),
        Estimator(
            "sklearn_meta", "MetaAutoRegressor", SHORT, "MetaAutoRegressor (short)"
        ),
        Estimator("sklearn_meta", "MetaAutoClassifier"),
        Estimator("sklearn_meta", "MetaAutoRegressor"),
    ),
    "flaml": (
        Estimator(
            "flaml",
            "AutoML",
            {"task": "classification", **FLAML},
            "AutoML (classification)",
        ),
        Estimator(
            "flaml", "AutoML", {"task": "regression", **FLAML}, "AutoML (regression)"
        ),
    ),
    "tpot": (
        Estimator("tpot", "TPOTClassifier", TPOT),
        Estimator("tpot", "TPOTRegressor", TPOT, like="HistGradientBoostingRegressor"),
    ),
}
# What is installed for the systems that are not of this checkout.
REQUIREMENTS = {"flaml": "flaml[automl]==2.7.0", "tpot": "tpot==1.1.0"}


def python_of(system, environments):
    """Return the Python that has a system installed; make its environment if needed."""
    if system not in REQUIREMENTS:
        return sys.executable
    folder = Path(environments).resolve() / system
    python = folder / "bin" / "python"
    # Written last: an environment that was left half done is made anew.
    finished = folder / "requirements.txt"
    if not finished.exists():
        print(f"installing {REQUIREMENTS[system]} in {folder}", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        constraints = ROOT / "constraints.txt"
        subprocess.run(
            [*pip, "install", "-c", constraints, REQUIREMENTS[system]], check=True
        )
        freeze = subprocess.run(
            [*pip, "freeze"], check=True, capture_output=True, text=True
        )
        finished.write_text(freeze.stdout, encoding="utf-8")
    return str(python)


def versions_of(python, system):
    """Return the versions of a system and of scikit-learn in an environment."""
    code = (
        "import sys; from importlib.metadata import version; "
        "print(*[version(name) for name in sys.argv[1:]])"
    )
    if system not in REQUIREMENTS:
        return sklearn_meta.__version__, version("scikit-learn")
    output = subprocess.run(
        [python, "-c", code, system, "scikit-learn"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(output.split())


def check(system, estimator, python, done, limit, results):
    """Run the checks of one estimator that are not done, and append their lines."""
    settings = {
        "module": estimator.module,
        "name": estimator.name,
        "parameters": estimator.parameters,
    }
    release, scikit_learn = versions_of(python, system)
    about = {
        "system": system,
        "version": release,
        "scikit_learn": scikit_learn,
        "estimator": estimator.label,
        "parameters": estimator.parameters,
        "limit": limit,
    }
    path = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split()])
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        # Other systems must not find the packages of this environment.
        "PYTHONPATH": path if system not in REQUIREMENTS else "",
    }
    with tempfile.TemporaryDirectory() as folder:  # Some write where they stand.
        process = subprocess.Popen(
            [
                python,
                str(CHECKS),
                "--settings",
                json.dumps(settings),
                "--like",
                estimator.like,
                "--done",
                json.dumps(sorted(done)),
                "--limit",
                str(limit),
            ],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for line in process.stdout:
                record = {**about, **json.loads(line)}
                append_line(results, record)
                print(
                    f"{system:14s}{estimator.label:26s}{record['check'][:58]:60s}"
                    f"{record['status']:9s}{record['seconds']:7.1f} s  "
                    f"{record.get('error', '')[:60]}",
                    flush=True,
                )
        except BaseException:
            process.kill()
            raise
        if process.wait():
            raise SystemExit(f"The checks of {estimator.label} ended with an error.")


def run(arguments):
    records = read_lines(arguments.results)
    for system in arguments.systems:
        python = python_of(system, arguments.environments)
        for estimator in SYSTEMS[system]:
            done = {
                record["check"]
                for record in records
                if (record["system"], record["estimator"]) == (system, estimator.label)
            }
            check(system, estimator, python, done, arguments.limit, arguments.results)


def reason(record):
    """Return why a check failed, without what differs from one check to the next."""
    if record["status"] == "timeout":
        return "not finished in time"
    text = re.sub(r"0x[0-9a-f]+|\d[\d.,e+-]*|array\(.*|\[.*", "…", record["error"])
    return text if len(text) <= REASON_LENGTH else text[:REASON_LENGTH] + "…"


def summary(records):
    """Return one row for each estimator, in the order of the records.

    Returns
    -------
    rows : list of dict
        With the keys `estimator`, `versions`, `passed`, `total`, `skipped`, `seconds`
        and `reasons`, a list of (reason, how many checks) of those that failed, the
        most frequent first.
    """
    groups = {}
    for record in records:
        if record["check"] == GENERATOR:
            # No check: why there are no checks by the tags of the estimator.
            continue
        groups.setdefault((record["system"], record["estimator"]), []).append(record)
    rows = []
    for (system, estimator), group in groups.items():
        statuses = Counter(record["status"] for record in group)
        failed = [r for r in group if r["status"] in ("failed", "timeout")]
        rows.append(
            {
                "estimator": f"{system} {group[0]['version']}: {estimator}",
                "scikit_learn": group[0]["scikit_learn"],
                "passed": statuses["passed"],
                "total": statuses["passed"] + len(failed),
                "skipped": statuses["skipped"],
                "seconds": sum(record["seconds"] for record in group),
                "reasons": Counter(map(reason, failed)).most_common(),
            }
        )
    return rows


def table(rows):
    """Return the rows of `summary` as a table in Markdown."""
    lines = [
        "| estimator | passed / total | scikit-learn | why the others failed |",
        "|---|---|---|---|",
    ]
    for row in rows:
        reasons = [f"{n} × `{text}`" for text, n in row["reasons"][:N_REASONS]]
        rest = sum(n for _, n in row["reasons"][N_REASONS:])
        if rest:
            reasons.append(f"{rest} × other reasons")
        lines.append(
            f"| {row['estimator']} | {row['passed']} / {row['total']} "
            f"| {row['scikit_learn']} | {'; '.join(reasons)} |"
        )
    return "\n".join(lines)


def report(arguments):
    records = read_lines(arguments.results)
    print(table(summary(records)))
    if arguments.slowest:
        print()
        slowest = sorted(records, key=lambda record: -record["seconds"])
        for record in slowest[: arguments.slowest]:
            print(
                f"{record['estimator']:26s}{record['check'][:58]:60s}"
                f"{record['seconds']:7.1f} s {record.get('cpu_seconds', 0.0):7.1f} s "
                "of CPU"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("run", help="run the checks that are not done")
    command.set_defaults(function=run)
    command.add_argument("--systems", nargs="+", choices=SYSTEMS, default=[*SYSTEMS])
    command.add_argument("--environments", default=ENVIRONMENTS, help="folder")
    command.add_argument("--limit", type=float, default=120.0, help="seconds a check")
    command.add_argument("--results", default=RESULTS)
    command = commands.add_parser("report", help="print the table")
    command.set_defaults(function=report)
    command.add_argument("--slowest", type=int, default=0, help="also list so many")
    command.add_argument("--results", default=RESULTS)
    arguments = parser.parse_args()
    arguments.function(arguments)


if __name__ == "__main__":
    main()
