"""The command ``python -m sklearn_meta``, the same as ``sklearn-meta``."""

import sys

from sklearn_meta.cli import main

if __name__ == "__main__":
    sys.exit(main())
