"""Provenance of a knowledge base: how it was built, and with which settings."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.metadata import version

PROTOCOL = "protocol"
PACKAGES = ("scikit-learn", "lightgbm", "numpy", "scipy")


def provenance(protocol, pools, sources):
    """Return the provenance of a build.

    Parameters
    ----------
    protocol : EvaluationProtocol
    pools : mapping of str to sequence of PoolPipeline
        By task.
    sources : sequence of TableSource

    Returns
    -------
    items : dict
        Values that can be serialized as JSON.
    """
    return {
        PROTOCOL: asdict(protocol),
        "command": "python -m sklearn_meta.building",
        "pools": {task: _digest(p.text for p in pool) for task, pool in pools.items()},
        "tables": _digest(sorted(source.name for source in sources)),
        "versions": {name: version(name) for name in PACKAGES},
    }


def _digest(lines):
    lines = list(lines)
    text = "\n".join(lines).encode()
    return {"number": len(lines), "sha256": hashlib.sha256(text).hexdigest()}


def check_protocol(knowledge_base, protocol):
    """Check that a file was built with the same protocol.

    Parameters
    ----------
    knowledge_base : KnowledgeBase
    protocol : EvaluationProtocol

    Raises
    ------
    ValueError
        If it was not: scores of different folds are not comparable.
    """
    before = knowledge_base.provenance().get(PROTOCOL)
    now = asdict(protocol)
    if before is not None and before != now:
        raise ValueError(
            f"The options must be those that the knowledge base was built with, "
            f"{before}. Got {now} instead. Use the same values, or another file."
        )
