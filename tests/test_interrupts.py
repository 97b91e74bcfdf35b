"""Ctrl-C at lines of a whole fit; the command `tests.interrupts` takes all lines."""

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="copies processes, and looks at /proc"
)


def interrupt(scenario, *, every, offset=0, second=0, after=0, files=()):
    """Return the outcomes of a scenario with interrupts at some of its lines."""
    arguments = ["--every", every, "--offset", offset, "--second", second]
    arguments += ["--after", after, *(["--files", *files] if files else [])]
    done = subprocess.run(
        [sys.executable, "-m", "tests.interrupts", scenario, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Counter(json.loads(done.stdout.splitlines()[-1]))


def test_at_some_lines_before_and_after_an_evaluation():
    outcomes = interrupt("fit", every=150)
    assert outcomes["KeyboardInterrupt"] >= 10
    outcomes = interrupt("fit", every=60, after=2)
    assert outcomes["model"] >= 5


def test_while_the_knowledge_base_is_written_the_model_stays():
    outcomes = interrupt("fit", every=25, after=3, files=["knowledge_base/_"])
    assert set(outcomes) == {"model"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario, options",
    [
        ("fit", {"every": 40, "offset": 7}),
        ("fit", {"every": 200, "offset": 3, "second": 25}),
        ("fit", {"every": 60, "after": 2, "second": 10}),
        ("zero-shot", {"every": 100}),
        ("decisions", {"every": 60, "after": 1}),
        ("budget", {"every": 700}),
        ("workers", {"every": 900, "second": 5}),
    ],
)
def test_at_many_lines(scenario, options):
    assert interrupt(scenario, **options).total() >= 3
