"""What pytest cannot collect where torch is not installed."""

from importlib.util import find_spec

collect_ignore_glob = []
if find_spec("torch") is None or find_spec("skorch") is None:
    collect_ignore_glob += ["sklearn_meta/maml/*", "doc/maml.rst"]
