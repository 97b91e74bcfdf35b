"""A package that takes long to import, and whose models cannot be loaded without."""

import time

time.sleep(0.3)


class Model:
    """What a learner may hold."""
