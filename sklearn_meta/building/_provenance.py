"""What a knowledge base says of how it was built."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from importlib.metadata import version

PROTOCOL = "protocol"
PACKAGES = ("scikit-learn", "lightgbm", "numpy", "scipy")


def provenance(protocol, pools, sources):
    """Return the items that a builder leaves in the file.

    Parameters
    ----------
    protocol : Protocol
    pools : mapping of str to sequence of PoolPipeline
        By task.
    sources : sequence of TableSource

    Returns
    -------
    items : dict
        Values that JSON can express.
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


def agree(knowledge_base, protocol):
    """Check that a file was filled in the way in which it is to be filled now.

    Raises
    ------
    ValueError
        If it was not: scores of different folds do not belong into one matrix.
    """
    before = knowledge_base.provenance().get(PROTOCOL)
    now = asdict(protocol)
    if before is not None and before != now:
        raise ValueError(
            f"The knowledge base was built with {before}, and is now to be filled with "
            f"{now}. Use the same values, or another file."
        )
