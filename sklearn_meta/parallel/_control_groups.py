"""Memory that the control groups of this process allow, of versions 1 and 2.

A limit may be set on the group of the process (a container, a job of Slurm, a service
of systemd) and on any group that contains it. Page cache and reclaimable kernel memory
are given back when memory is needed, so they do not count as used; memory files
(tmpfs, shared memory) do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

# The kernel writes "no limit" of version 1 as a number near 2**63.
UNLIMITED = 2**60


@dataclass(frozen=True)
class Allowance:
    """Memory that a limit allows.

    Parameters
    ----------
    size : int
        The limit in bytes.
    free : int
        Bytes of it that are not used.
    """

    size: int
    free: int


@dataclass(frozen=True)
class _Version:
    """Files of a version of control groups."""

    file_system: str
    # Where it is mounted, if /proc/self/mountinfo does not say so.
    usual_mount: str
    controller: str
    limits: tuple[str, ...]
    usage: str
    # Entries of memory.stat: memory that is given back when needed.
    reclaimable: tuple[str, ...]


VERSIONS = (
    _Version(
        "cgroup2",
        "/sys/fs/cgroup",
        "",
        # Beyond memory.high, processes are slowed down until they hardly run.
        ("memory.max", "memory.high"),
        "memory.current",
        ("active_file", "inactive_file", "slab_reclaimable"),
    ),
    _Version(
        "cgroup",
        "/sys/fs/cgroup/memory",
        "memory",
        ("memory.limit_in_bytes",),
        "memory.usage_in_bytes",
        ("total_active_file", "total_inactive_file"),
    ),
)
# Entry of memory.stat in version 1: the smallest limit of the group and its ancestors,
# some of which a container may not see.
SMALLEST_LIMIT = "hierarchical_memory_limit"


def memory_allowances(root: Path) -> list[Allowance]:
    """Return what each control group of this process allows.

    Parameters
    ----------
    root : Path
        Root of the file system.

    Returns
    -------
    allowances : list of Allowance
        Empty if no group has a limit.
    """
    groups = _read(root / "proc/self/cgroup").splitlines()
    mounts = _read(root / "proc/self/mountinfo").splitlines()
    found = []
    for version in VERSIONS:
        path = _path_of_group(groups, version)
        for mounted_root, mount_point in _mounts(mounts, version):
            folder = root / mount_point.lstrip("/")
            for group in _groups_within(folder, mounted_root, path):
                found += _allowances_of(group, version)
    return found


def _path_of_group(lines, version):
    """Return the path of the group of this process in its hierarchy."""
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        is_version_2 = number == "0" and not controllers
        if version.controller in controllers.split(",") and is_version_2 == (
            not version.controller
        ):
            return path
    return "/"


def _mounts(lines, version):
    """Return root and mount point of each mount of a hierarchy."""
    mounts = []
    for line in lines:
        head, _, tail = line.partition(" - ")
        # Identifiers, device, root, mount point; file system, source, its options.
        fields, options = head.split(), tail.split()
        if len(fields) < 5 or not options or options[0] != version.file_system:
            continue
        if version.controller and version.controller not in options[-1].split(","):
            continue
        mounts.append((_unescaped(fields[3]), _unescaped(fields[4])))
    return mounts or [("/", version.usual_mount)]


def _unescaped(text):
    """Decode blanks, which the kernel writes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _groups_within(folder, mounted_root, path) -> Iterator[Path]:
    """Return the folders of a group and its ancestors, as far as they are mounted."""
    inside = _path_inside(folder, mounted_root, PurePosixPath(path))
    for part in (inside, *inside.parents):
        yield folder / part


def _path_inside(folder, mounted_root, path):
    """Return the path of a group below the folder where its hierarchy is mounted."""
    nothing = PurePosixPath(".")
    if ".." in path.parts:
        # Outside of the namespace of this process, hence of what is mounted.
        return nothing
    if path.is_relative_to(mounted_root):
        inside = path.relative_to(mounted_root)
        if (folder / inside).is_dir():
            return inside
    # In nested containers, the path may begin with groups that are not mounted.
    parts = path.parts[1:]
    for i in range(len(parts)):
        inside = PurePosixPath(*parts[i:])
        if (folder / inside).is_dir():
            return inside
    return nothing


def _allowances_of(group, version):
    """Return what the limits of one group allow."""
    statistics = dict(
        line.split(None, 1)
        for line in _read(group / "memory.stat").splitlines()
        if " " in line
    )
    limits = [_number(_read(group / name)) for name in version.limits]
    limits.append(_number(statistics.get(SMALLEST_LIMIT, "")))
    reclaimable = (_number(statistics.get(name, "")) for name in version.reclaimable)
    used = (_number(_read(group / version.usage)) or 0) - sum(
        n_bytes or 0 for n_bytes in reclaimable
    )
    return [
        Allowance(limit, max(limit - max(used, 0), 0))
        for limit in limits
        if limit is not None and limit < UNLIMITED
    ]


def _number(text):
    """Return a number; None for another text, such as "max"."""
    try:
        return int(text)
    except ValueError:
        return None


def _read(path):
    """Return the text of a file; empty if it cannot be read."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
