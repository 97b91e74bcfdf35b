"""Protocol of clusters: slots that come and go, and calls of the nodes behind them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from importlib.metadata import distributions
from typing import Protocol

from sklearn_meta.exceptions import SklearnMetaError
from sklearn_meta.parallel._node import Setup, Step


class ClusterError(SklearnMetaError, RuntimeError):
    """Raised when a cluster cannot run the candidates of this process."""


@dataclass(frozen=True)
class Ready:
    """Report: a slot can be given a task.

    Parameters
    ----------
    slot : hashable
    """

    slot: Hashable


@dataclass(frozen=True)
class Answer:
    """Report: a step has returned.

    Parameters
    ----------
    slot : hashable
    events : bytes
        Pickled list of the events of the task since the last step.
    """

    slot: Hashable
    events: bytes = field(repr=False)


@dataclass(frozen=True)
class Lost:
    """Report: a slot does not exist any more, nor does its task.

    Parameters
    ----------
    slot : hashable
    reason : str
    """

    slot: Hashable
    reason: str


class Cluster(Protocol):
    """Machines that run steps of tasks (`Node`), as an engine offers them.

    A slot is a place for one task at a time. It exists from the first `Ready` until it
    is `Lost` or replaced; then the cluster looks for another one.

    Attributes
    ----------
    name : str
        Of the engine, for messages.
    """

    name: str

    def n_slots(self) -> int:
        """Return the number of tasks that the cluster can run at one time."""
        ...

    def versions(self) -> dict[str, dict]:
        """Return the result of `INSTALLED` for each node that answers."""
        ...

    def start(self, setup: Setup, limit: int | None) -> None:
        """Prepare up to `limit` slots; None for as many as the cluster has."""
        ...

    def poll(self, timeout: float) -> list[Ready | Answer | Lost]:
        """Return the reports so far; wait up to `timeout` seconds if there is none.

        Raises
        ------
        PoolError
            If the cluster is lost.
        """
        ...

    def call(self, slot: Hashable, step: Step) -> None:
        """Run a step in a slot, which answers or is lost."""
        ...

    def interrupt(self, slot: Hashable) -> None:
        """End the task of a slot, which then is `Ready` again, without an `Answer`."""
        ...

    def replace(self, slot: Hashable) -> None:
        """Give up a slot that does not answer."""
        ...

    def close(self) -> None:
        """End all tasks and leave nothing on the nodes."""
        ...


# Packages whose versions must be the same here and on the nodes: models are pickled
# there and loaded here, and scores must not depend on the place.
SAME_VERSIONS = ("scikit-learn", "numpy", "scipy", "lightgbm")

# Evaluated by the nodes, which may not have the package that it asks for: it is text,
# because a function of the package could not be loaded there.
INSTALLED = """{
    "Python": ".".join(__import__("platform").python_version_tuple()[:2]),
    "sklearn_meta": __import__("sklearn_meta").__version__
    if __import__("importlib.util").util.find_spec("sklearn_meta")
    else None,
    **{
        name: next(
            (
                found.version
                for found in __import__("importlib.metadata").metadata.distributions(
                    name=name
                )
            ),
            None,
        )
        for name in NAMES
    },
}""".replace("NAMES", repr(SAME_VERSIONS))


def installed() -> dict[str, str | None]:
    """Return the versions that `INSTALLED` finds in this process."""
    import platform

    import sklearn_meta

    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "sklearn_meta": sklearn_meta.__version__,
        **{
            name: next((d.version for d in distributions(name=name)), None)
            for name in SAME_VERSIONS
        },
    }


def differing_versions(here, there) -> str:
    """Return in words which versions differ; empty if none does.

    Parameters
    ----------
    here, there : dict of str to (str or None)
        As of `installed`.

    Returns
    -------
    text : str
    """
    return ", ".join(
        f"{name} {there.get(name) or 'is missing'} (here {version or 'missing'})"
        for name, version in here.items()
        if there.get(name) != version
    )


def check_versions(cluster: Cluster) -> None:
    """Check that the nodes have the versions of this process.

    Parameters
    ----------
    cluster : Cluster

    Raises
    ------
    ClusterError
        If a node has other versions; the message names them.
    """
    here = installed()
    found = {n: differing_versions(here, v) for n, v in cluster.versions().items()}
    wrong = [f"{node}: {text}" for node, text in sorted(found.items()) if text]
    if wrong:
        shown = "; ".join(wrong[:5]) + ("; ..." if len(wrong) > 5 else "")
        raise ClusterError(
            f"{len(wrong)} of {len(found)} nodes of the {cluster.name} cluster have "
            f"other versions than this process: {shown}. Install the same versions "
            "there, or fit without this backend."
        )
