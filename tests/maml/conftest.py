"""The package needs torch and skorch; where they are missing, nothing is collected."""

from importlib.util import find_spec

collect_ignore_glob = []
if find_spec("torch") is None or find_spec("skorch") is None:
    collect_ignore_glob += ["test_*.py", "training/test_*.py"]
