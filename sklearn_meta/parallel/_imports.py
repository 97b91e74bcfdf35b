"""Import of packages that models need and that take long to import, such as torch."""

from __future__ import annotations

import importlib
import sys

# Importing torch takes one to three seconds.
IMPORT_SECONDS = 3.0


def packages_to_import(packages) -> list[str]:
    """Return the packages that this process has not imported.

    Parameters
    ----------
    packages : iterable of str

    Returns
    -------
    names : list of str
    """
    return [name for name in packages if name not in sys.modules]


def can_import(packages, seconds) -> bool:
    """Whether there is time to import packages.

    Parameters
    ----------
    packages : iterable of str
    seconds : float
        Seconds that are left.

    Returns
    -------
    in_time : bool
        True if all of them are imported already.
    """
    return not packages_to_import(packages) or seconds > IMPORT_SECONDS


def import_packages(packages):
    """Import the packages that this process has not imported.

    Parameters
    ----------
    packages : iterable of str
    """
    for name in packages_to_import(packages):
        importlib.import_module(name)
