"""The command ``python -m sklearn_meta.building``."""

import signal
import sys

from sklearn_meta.building._command import main

if __name__ == "__main__":
    # On both signals, finished results are written before the process ends.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
