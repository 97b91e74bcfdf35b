"""Limits of what a connection to a file of a stranger may do, and for how long.

The limits are a second line behind the comparison of the schema (`_schema`): a damaged
or forged tree of pages can still lead a query in circles, and a cell can hold
gigabytes.
"""

from __future__ import annotations

import sqlite3
import weakref

# Bytes of one cell, and of the concatenated cells of one dataset: one evaluation takes
# about ten of them.
MAX_CELL = 50_000_000

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: MAX_CELL,
    # Of a statement, and of a definition in the schema.
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    # VACUUM attaches one.
    sqlite3.SQLITE_LIMIT_ATTACHED: 1,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
}

# Number of instructions of SQLite's virtual machine between two looks at the limit: a
# tenth of a millisecond or so.
_STEPS_OF_A_LOOK = 10_000

# Instructions to look at a schema, which takes a hundred for each of its entries.
SCHEMA_STEPS = 200_000


def reading_steps(n_bytes):
    """Return the number of instructions that reading a file may take.

    Reading a matrix or all records of the file that ships takes less than one half per
    byte.

    Parameters
    ----------
    n_bytes : int
        Size of the file.

    Returns
    -------
    steps : int
    """
    return 10_000_000 + 5 * n_bytes


class ClosingConnection(sqlite3.Connection):
    """A connection that gives up its locks when it is closed.

    SQLite keeps a lock as long as a statement is not finished, which is as long as
    anything refers to its cursor: the traceback of an error, for example.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._cursors = weakref.WeakSet()

    def execute(self, sql, parameters=(), /):
        """Execute a statement.

        Parameters
        ----------
        sql : str
        parameters : sequence, default=()
            Values of the question marks.

        Returns
        -------
        cursor : sqlite3.Cursor
        """
        cursor = self.cursor()
        self._cursors.add(cursor)
        return cursor.execute(sql, parameters)

    def close(self):
        """Close all cursors and the connection."""
        for cursor in list(self._cursors):
            cursor.close()
        super().close()


def set_limits(connection):
    """Limit the size of what a connection handles; distrust schema and pages.

    Parameters
    ----------
    connection : sqlite3.Connection
    """
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")


class StepLimit:
    """End statements of a connection after a number of instructions, or by Ctrl-C.

    A number of instructions does not depend on how busy the machine is.

    Parameters
    ----------
    steps : int or None
        None for no limit.
    """

    def __init__(self, steps):
        self._error = None
        self._has_denied = False
        self.restart(steps)

    def restart(self, steps):
        """Allow a number of instructions from now on.

        Parameters
        ----------
        steps : int or None
            None for no limit.
        """
        self._left = None if steps is None else -(-steps // _STEPS_OF_A_LOOK)

    def watch(self, connection):
        """Limit the statements of a connection.

        Parameters
        ----------
        connection : sqlite3.Connection
        """
        connection.set_progress_handler(self._look, _STEPS_OF_A_LOOK)

    def deny(self):
        """Return that a statement is refused, and remember that it was."""
        self._has_denied = True
        return sqlite3.SQLITE_DENY

    def raise_if_not_denied(self):
        """Raise KeyboardInterrupt unless a statement was refused.

        What interrupts the function that decides about statements looks like a refusal:
        sqlite3 drops the exception.
        """
        if not self._has_denied:
            raise KeyboardInterrupt

    def _look(self):
        """Return whether to end the statement."""
        try:
            if self._left is None:
                return False
            self._left -= 1
            return self._left < 0
        except BaseException as error:  # of a handler of signals
            self._error = error
            return True

    def raise_interrupt(self):
        """Raise what interrupted a statement, unless it was the limit.

        sqlite3 drops an exception that a signal raises in its callbacks, or just before
        them.
        """
        if self._error is not None:
            raise self._error
        if self._left is None or self._left >= 0:
            raise KeyboardInterrupt


# What statements may do: that of the package's own queries, and no more.
READ_ONLY = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_TRANSACTION,
    }
)
READ_WRITE = READ_ONLY | {
    sqlite3.SQLITE_INSERT,
    sqlite3.SQLITE_UPDATE,
    sqlite3.SQLITE_DELETE,
    sqlite3.SQLITE_PRAGMA,
}
_FUNCTIONS = frozenset(
    "abs avg coalesce count dense_rank group_concat ifnull iif json_each length max "
    "min nullif octet_length rank round row_number substr sum total typeof".split()
)


def allow_only(actions, connection, limit):
    """Refuse all statements that do anything else.

    Parameters
    ----------
    actions : frozenset of int
        `READ_ONLY` or `READ_WRITE`.
    connection : sqlite3.Connection
    limit : StepLimit
        Is told what was refused.
    """

    def authorize(action, _, name, *others):
        if action not in actions:
            return limit.deny()
        if action == sqlite3.SQLITE_FUNCTION and name not in _FUNCTIONS:
            return limit.deny()
        return sqlite3.SQLITE_OK

    connection.set_authorizer(authorize)
