"""What a server is started with, and where none can be started."""

import os
import sys
from types import ModuleType

import pytest

from sklearn_meta.parallel._server_handle import (
    can_start_processes,
    server_environment,
)
from tests.parallel.running import run
from tests.parallel.test_process_pool import run_script, started

needs_workers = pytest.mark.skipif(
    not can_start_processes(), reason="processes do not fork here"
)


@needs_workers
@pytest.mark.parametrize(
    "name",
    [
        "/usr/bin/python",
        "/usr/bin/python3",
        "/env/bin/python3.13t",
        "/usr/bin/python3.11-dbg",
        "/usr/lib/pypy3.10",
        "/Library/Python.framework/Python",
        "/nix/store/bin/.python3-wrapped",
    ],
)
def test_interpreters(monkeypatch, name):
    monkeypatch.setattr(sys, "executable", name)
    assert can_start_processes()


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "/usr/bin/uwsgi",
        "/usr/sbin/apache2",
        "/usr/lib/blender/blender",
        "/usr/bin/gdb",
        "/usr/lib/app/pythonista-server",
        "/usr/lib/app/my_python",
    ],
)
def test_other_programs_are_not_started(monkeypatch, name):
    monkeypatch.setattr(sys, "executable", name)
    assert not can_start_processes()


@needs_workers
def test_interpreter_under_another_name(monkeypatch, tmp_path):
    link = tmp_path / "data-science"
    link.symlink_to(os.path.realpath(sys.executable))
    monkeypatch.setattr(sys, "executable", str(link))
    assert can_start_processes()


def test_frozen_applications_are_not_started_again(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert not can_start_processes()
    monkeypatch.delattr(sys, "frozen")
    monkeypatch.setattr(sys, "_MEIPASS", "/tmp/_MEI1", raising=False)
    assert not can_start_processes()
    monkeypatch.delattr(sys, "_MEIPASS")
    compiled = ModuleType("__main__")
    compiled.__compiled__ = "Nuitka"
    monkeypatch.setitem(sys.modules, "__main__", compiled)
    assert not can_start_processes()


def test_environment(monkeypatch):
    given = {
        "OMP_PLACES": "cores",
        "GOMP_CPU_AFFINITY": "0-3",
        "KMP_AFFINITY": "compact",
        "OMP_PROC_BIND": "true",
        "OMP_NUM_THREADS": "16",
        "PYTHONINSPECT": "1",
        "PYTHONWARNINGS": "error",
        "LD_PRELOAD": "/lib/libjemalloc.so",
    }
    for name, text in given.items():
        monkeypatch.setenv(name, text)
    environment = server_environment("MARK")
    assert not {"OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY"} & environment.keys()
    assert "PYTHONINSPECT" not in environment
    assert environment["OMP_PROC_BIND"] == "false"
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["PYTHONWARNINGS"] == "ignore"
    assert environment["LD_PRELOAD"] == "/lib/libjemalloc.so"
    assert environment["MARK"] == "1"
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    assert server_environment("MARK")["PYTHONHASHSEED"] == "0"
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert server_environment("MARK")["PYTHONHASHSEED"] == "7"


@needs_workers
def test_variables_that_would_break_the_server(monkeypatch):
    for name in ("PYTHONINSPECT", "PYTHONSAFEPATH", "PYTHONPROFILEIMPORTTIME"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONSTARTUP", "/no/such/file")
    with started(preload=("numpy",)) as pool:
        assert run(pool, "echo", 1)[0] == [1]


BOUND = """
import os
before = sorted(os.sched_getaffinity(0))
import sklearn.ensemble  # loads OpenMP, which binds this thread
from sklearn_meta.parallel._pool import Payload, Task
from sklearn_meta.parallel._process_pool import ProcessPool

with ProcessPool(
    1, setup=("tests.parallel.faulty_tasks:load", ()), preload=()
) as pool:
    pool.start()
    while not pool.ready:
        pool.wait(1)
    task = "tests.parallel.faulty_tasks:call"
    pool.submit(Task(1, task, (os.sched_getaffinity, 0)))
    (event, *_) = pool.wait(30)
print(before, sorted(os.sched_getaffinity(0)), sorted(event.value), sep="|")
"""


@needs_workers
@pytest.mark.skipif(
    not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2,
    reason="there is a single processor",
)
def test_workers_are_not_bound_to_one_processor(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_PLACES", "threads")
    before, _, worker = run_script(tmp_path, BOUND).strip().split("|")
    assert worker == before
