"""KeyboardInterrupt at a chosen line of chosen modules, as by Ctrl-C."""

import contextlib
import os
import sys


class Injector:
    """Raise KeyboardInterrupt at the k-th line that is executed in some modules.

    Parameters
    ----------
    line : int
        The first line is 1.
    modules : sequence of module
    times : int, default=1
        The interrupt is raised at so many lines in a row.

    Attributes
    ----------
    where : str or None
        The first line at which it was raised; None if it was not.
    """

    def __init__(self, line, modules, times=1):
        self.left, self.times, self.where = line, times, None
        self.files = {module.__file__ for module in modules}

    def __call__(self, frame, event, arg):
        return self._local if frame.f_code.co_filename in self.files else None

    def _local(self, frame, event, arg):
        if event == "line":
            self.left -= 1
            if self.left <= 0:
                name = os.path.basename(frame.f_code.co_filename)
                where = f"{name}:{frame.f_lineno} ({frame.f_code.co_name})"
                self.where = self.where or where
                self.times -= 1
                if self.times == 0:
                    sys.settrace(None)
                raise KeyboardInterrupt
        return self._local


@contextlib.contextmanager
def interrupted_at(line, *modules, times=1):
    """Interrupt the block at the k-th line that it executes in some modules."""
    injector, before = Injector(line, modules, times), sys.gettrace()
    sys.settrace(injector)
    try:
        yield injector
    finally:
        sys.settrace(before)
