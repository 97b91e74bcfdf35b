"""The command ``python -m sklearn_meta.building``."""

import signal
import sys

from sklearn_meta.building._command import main

if __name__ == "__main__":
    # Asked to end, in either way, it writes what is finished first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
