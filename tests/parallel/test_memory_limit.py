"""The memory that workers may use."""

import pytest

from sklearn_meta.parallel._memory_limit import (
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
    return default_memory_limit(n_workers, root) / SHARE_OF_FREE_MEMORY / MEGABYTE


def test_workers_share_what_the_machine_has(machine):
    assert limit_in_megabytes(machine) == pytest.approx(8000)
    assert limit_in_megabytes(machine, 4) == pytest.approx(2000)


@pytest.mark.parametrize(
    "limit, usage, statistics, cache",
    [
        ("memory.max", "memory.current", "memory.stat", "inactive_file"),
        (
            "memory/memory.limit_in_bytes",
            "memory/memory.usage_in_bytes",
            "memory/memory.stat",
            "total_inactive_file",
        ),
    ],
)
def test_a_container_may_have_less(machine, limit, usage, statistics, cache):
    folder = "sys/fs/cgroup/"
    files = {
        folder + limit: f"{2000 * MEGABYTE}\n",
        folder + usage: f"{700 * MEGABYTE}\n",
        folder + statistics: f"anon 5\n{cache} {200 * MEGABYTE}\n",
    }
    write(machine, files)
    assert limit_in_megabytes(machine) == pytest.approx(2000 - 700 + 200)
    # A container without a limit, or with one above what there is.
    for nothing in ("max\n", "9223372036854771712\n"):
        write(machine, {folder + limit: nothing})
        assert limit_in_megabytes(machine) == pytest.approx(8000)


def test_nothing_is_known(tmp_path):
    assert default_memory_limit(2, tmp_path) is None
