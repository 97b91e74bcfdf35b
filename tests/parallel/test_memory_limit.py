"""The memory that workers may use."""

import os
import sys

import pytest

from sklearn_meta.exceptions import SklearnMetaWarning
from sklearn_meta.parallel._memory_limit import (
    LEAST_LIMIT,
    SHARE_OF_FREE_MEMORY,
    default_memory_limit,
)

MEGABYTE = 2**20


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def machine(tmp_path):
    meminfo = f"MemTotal: {9000 * 1024} kB\nMemAvailable: {8000 * 1024} kB\n"
    write(tmp_path, {"proc/meminfo": meminfo})
    return tmp_path


def limit_in_megabytes(root, n_workers=1):
    return default_memory_limit(n_workers, root, {}) / SHARE_OF_FREE_MEMORY / MEGABYTE


def test_workers_share_what_the_machine_has(machine):
    assert limit_in_megabytes(machine) == pytest.approx(8000)
    assert limit_in_megabytes(machine, 4) == pytest.approx(2000)


def limits(address_space="unlimited", data="unlimited"):
    """Text of /proc/self/limits."""
    return (
        "Limit                     Soft Limit           Hard Limit           Units\n"
        f"Max data size             {data}            unlimited            bytes\n"
        f"Max address space         {address_space}   unlimited            bytes\n"
        "Max processes             4096                 4096             processes\n"
    )


def test_a_container_may_have_less(machine):
    folder = "sys/fs/cgroup"
    write(
        machine,
        {
            "proc/self/cgroup": "0::/job\n",
            f"{folder}/job/memory.max": f"{2000 * MEGABYTE}\n",
            f"{folder}/job/memory.current": f"{700 * MEGABYTE}\n",
            f"{folder}/job/memory.stat": f"inactive_file {200 * MEGABYTE}\n",
        },
    )
    assert limit_in_megabytes(machine) == pytest.approx(2000 - 700 + 200)
    assert limit_in_megabytes(machine, 4) == pytest.approx(1500 / 4)
    # A limit above what there is.
    write(machine, {f"{folder}/job/memory.max": f"{10**7 * MEGABYTE}\n"})
    assert limit_in_megabytes(machine) == pytest.approx(8000)


@pytest.mark.parametrize(
    "environ, megabytes",
    [
        ({"SLURM_MEM_PER_NODE": "4000"}, 3900),
        ({"SLURM_MEM_PER_NODE": "4G"}, 4096 - 100),
        ({"SLURM_MEM_PER_CPU": "500", "SLURM_CPUS_ON_NODE": "4"}, 1900),
        ({"SLURM_MEM_PER_CPU": "500"}, 400),
        ({"SLURM_MEM_PER_GPU": "1000", "SLURM_GPUS_ON_NODE": "2"}, 1900),
        ({"SLURM_MEM_PER_NODE": "0"}, 8000),
        ({"SLURM_MEM_PER_NODE": "much"}, 8000),
        ({"SLURM_MEM_PER_CPU": "500", "SLURM_CPUS_ON_NODE": "4(x2)"}, 8000),
    ],
)
def test_job_of_slurm(machine, environ, megabytes):
    # This process uses 100 MB besides what it shares.
    page = os.sysconf("SC_PAGE_SIZE")
    pages = [900, 130, 30, 1, 0, 200, 0]
    statm = " ".join(str(n * MEGABYTE // page) for n in pages)
    write(machine, {"proc/self/statm": statm + "\n"})
    limit = default_memory_limit(1, machine, environ)
    assert limit / SHARE_OF_FREE_MEMORY / MEGABYTE == pytest.approx(megabytes)


@pytest.mark.parametrize(
    "text, megabytes",
    [
        (limits(address_space=str(3000 * MEGABYTE)), 3000 - 900),
        (limits(data=str(3000 * MEGABYTE)), 3000 - 200),
        (limits(), 4000),
    ],
)
def test_limits_of_a_process_are_not_shared(machine, text, megabytes):
    page = os.sysconf("SC_PAGE_SIZE")
    pages = [900, 130, 30, 1, 0, 200, 0]
    statm = " ".join(str(n * MEGABYTE // page) for n in pages)
    write(machine, {"proc/self/statm": statm, "proc/self/limits": text})
    assert limit_in_megabytes(machine, 2) == pytest.approx(megabytes)


def test_machine_that_is_full_for_a_moment(tmp_path):
    meminfo = f"MemTotal: {9000 * 1024} kB\nMemAvailable: {90 * 1024} kB\n"
    write(tmp_path, {"proc/meminfo": meminfo})
    assert default_memory_limit(2, tmp_path) == LEAST_LIMIT


def test_container_that_is_too_small(machine):
    folder = "sys/fs/cgroup"
    write(
        machine,
        {
            f"{folder}/memory.max": f"{200 * MEGABYTE}\n",
            f"{folder}/memory.current": f"{150 * MEGABYTE}\n",
        },
    )
    # Not more than there is: the kernel would kill the whole container.
    with pytest.warns(SklearnMetaWarning, match="40 MiB .* smaller n_jobs"):
        assert default_memory_limit(4, machine) == 40 * MEGABYTE


def test_nothing_is_known(tmp_path):
    assert default_memory_limit(2, tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux only")
def test_this_machine():
    assert default_memory_limit(1, environ={}) > 0
