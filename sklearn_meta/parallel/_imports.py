"""Packages that models need and that take long to import."""

from __future__ import annotations

import importlib
import sys

# Importing torch takes one to three seconds.
IMPORT_SECONDS = 3.0


def not_loaded(packages) -> list[str]:
    """Return those that this process has not imported."""
    return [name for name in packages if name not in sys.modules]


def can_load(packages, seconds) -> bool:
    """Whether packages can be imported in some seconds."""
    return not not_loaded(packages) or seconds > IMPORT_SECONDS


def load(packages):
    """Import what this process has not imported."""
    for name in not_loaded(packages):
        importlib.import_module(name)
