"""Processors before OpenMP has bound a thread."""

import os
import subprocess
import sys

import pytest

from sklearn_meta.parallel._cpu_affinity import unbound_processors

LOOK = """
import os
before = sorted(os.sched_getaffinity(0))
import sklearn.ensemble  # loads OpenMP
from sklearn_meta.parallel._cpu_affinity import unbound_processors
bound = sorted(os.sched_getaffinity(0))
assert unbound_processors() == ([] if bound == before else before)
"""


def test_not_bound():
    assert unbound_processors({}) == []


@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity"), reason="threads cannot be bound here"
)
@pytest.mark.parametrize(
    "variable, value, processors",
    [("OMP_PROC_BIND", "true", "all"), ("OMP_PLACES", "threads", "one")],
)
def test_bound_by_openmp(variable, value, processors):
    restrict = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
    subprocess.run(
        [sys.executable, "-c", (restrict if processors == "one" else "") + LOOK],
        env={**os.environ, variable: value},
        check=True,
    )
