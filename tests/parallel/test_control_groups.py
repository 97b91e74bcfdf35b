"""What control groups allow."""

import pytest

from sklearn_meta.parallel._control_groups import Allowance, memory_allowances

MB = 2**20
V2 = "30 23 0:26 {root} {point} rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "35 31 0:31 {root} {point} rw,relatime - cgroup cgroup rw,memory\n"
OTHER_V1 = (
    "33 31 0:30 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
)
FOLDER = "sys/fs/cgroup"


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def version_2(folder, limit, used, statistics="", high=None):
    """Files of a group; sizes in megabytes."""
    files = {
        f"{folder}/memory.max": f"{limit * MB}\n" if limit else "max\n",
        f"{folder}/memory.high": f"{high * MB}\n" if high else "max\n",
        f"{folder}/memory.current": f"{used * MB}\n",
        f"{folder}/memory.stat": statistics,
    }
    return files


def version_1(folder, limit, used, statistics=""):
    return {
        f"{folder}/memory.limit_in_bytes": f"{limit * MB if limit else 2**63 - 4096}\n",
        f"{folder}/memory.usage_in_bytes": f"{used * MB}\n",
        f"{folder}/memory.stat": statistics,
    }


def megabytes(root):
    return [(a.size // MB, a.free // MB) for a in memory_allowances(root)]


def test_nothing_is_known(tmp_path):
    assert memory_allowances(tmp_path) == []


def test_no_limit(tmp_path):
    write(tmp_path, version_2(FOLDER, None, 5))
    write(tmp_path, version_1(f"{FOLDER}/memory", None, 5))
    assert memory_allowances(tmp_path) == []


def test_page_cache_is_free_and_shared_memory_is_not(tmp_path):
    statistics = (
        f"anon {300 * MB}\nfile {900 * MB}\nshmem {200 * MB}\n"
        f"active_file {500 * MB}\ninactive_file {100 * MB}\n"
        f"slab_reclaimable {50 * MB}\nslab_unreclaimable {7 * MB}\n"
    )
    write(tmp_path, version_2(FOLDER, 2000, 1200, statistics))
    assert megabytes(tmp_path) == [(2000, 2000 - (1200 - 650))]


def test_page_cache_in_version_1(tmp_path):
    statistics = (
        f"cache {900 * MB}\ntotal_cache {900 * MB}\ntotal_shmem {200 * MB}\n"
        f"active_file 0\ntotal_active_file {500 * MB}\ntotal_inactive_file {100 * MB}\n"
    )
    write(tmp_path, version_1(f"{FOLDER}/memory", 2000, 1200, statistics))
    assert megabytes(tmp_path) == [(2000, 2000 - (1200 - 600))]


def test_soft_limit_counts(tmp_path):
    write(tmp_path, version_2(FOLDER, 2000, 500, high=1000))
    assert megabytes(tmp_path) == [(2000, 1500), (1000, 500)]


def test_usage_above_the_limit_leaves_nothing(tmp_path):
    write(tmp_path, version_2(FOLDER, 1000, 1200))
    assert memory_allowances(tmp_path) == [Allowance(1000 * MB, 0)]


def test_group_of_the_process_and_its_ancestors(tmp_path):
    write(tmp_path, {"proc/self/cgroup": "0::/user.slice/user-1.slice/run-7.scope\n"})
    write(tmp_path, version_2(f"{FOLDER}/user.slice", 8000, 7900))
    write(tmp_path, version_2(f"{FOLDER}/user.slice/user-1.slice", None, 300))
    write(tmp_path, version_2(f"{FOLDER}/user.slice/user-1.slice/run-7.scope", 4000, 9))
    # Of others.
    write(tmp_path, version_2(f"{FOLDER}/user.slice/user-2.slice", 1, 0))
    assert megabytes(tmp_path) == [(4000, 3991), (8000, 100)]


def test_hybrid_of_both_versions(tmp_path):
    lines = "4:memory:/slurm/job_3\n1:cpu,cpuacct:/other\n0::/init.scope\n"
    mounts = (
        OTHER_V1
        + V1.format(root="/", point="/sys/fs/cgroup/memory")
        + V2.format(root="/", point="/sys/fs/cgroup/unified")
    )
    write(tmp_path, {"proc/self/cgroup": lines, "proc/self/mountinfo": mounts})
    write(tmp_path, version_1(f"{FOLDER}/memory/slurm/job_3", 2000, 500))
    write(tmp_path, version_1(f"{FOLDER}/cpu/other", 1, 0))
    assert megabytes(tmp_path) == [(2000, 1500)]


def test_limit_of_an_ancestor_that_is_not_visible(tmp_path):
    statistics = f"hierarchical_memory_limit {700 * MB}\n"
    write(tmp_path, version_1(f"{FOLDER}/memory", None, 100, statistics))
    assert megabytes(tmp_path) == [(700, 600)]


@pytest.mark.parametrize(
    "path, mounted_root, inside",
    [
        # A container that sees the paths of the host.
        ("/docker/abc", "/docker/abc", ""),
        ("/docker/abc/child", "/docker/abc", "/child"),
        # A container in another one: the path is above what is mounted.
        ("/docker/abc", "/docker/abc/docker/def", ""),
        ("/", "/..", ""),
        # Moved there from outside of the namespace.
        ("/../other", "/", ""),
        # A part of the host's tree, mounted without the beginning of the path.
        ("/kubepods/pod1/abc", "/", "/pod1/abc"),
    ],
)
def test_paths_of_containers(tmp_path, path, mounted_root, inside):
    mounts = V2.format(root=mounted_root, point="/sys/fs/cgroup")
    write(
        tmp_path,
        {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": mounts},
    )
    write(tmp_path, version_2(FOLDER + inside, 1000, 400))
    write(tmp_path, version_2(f"{FOLDER}/other", 1, 0))
    assert megabytes(tmp_path) == [(1000, 600)]


def test_unusual_mount_points(tmp_path):
    mounts = V2.format(root="/", point=r"/srv/control\040groups")
    write(
        tmp_path,
        {"proc/self/cgroup": "0::/a b:c\n", "proc/self/mountinfo": mounts},
    )
    write(tmp_path, version_2("srv/control groups/a b:c", 1000, 400))
    assert megabytes(tmp_path) == [(1000, 600)]


def test_text_that_is_no_number_is_no_limit(tmp_path):
    write(tmp_path, version_2(FOLDER, 1000, 400))
    write(tmp_path, {f"{FOLDER}/memory.max": "", f"{FOLDER}/memory.stat": "x\ny z w\n"})
    assert memory_allowances(tmp_path) == []
