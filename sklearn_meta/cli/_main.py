"""Read the arguments of ``sklearn-meta``, run a subcommand, and tell errors."""

from __future__ import annotations

import argparse
import os
import sys

from sklearn_meta.cli import _fit, _kb, _predict, _recommend, _report, _score, _source
from sklearn_meta.cli._errors import (
    FAILED,
    INTERRUPTED,
    OK,
    USAGE,
    CommandError,
    UsageError,
    hint,
    one_line,
)
from sklearn_meta.cli._messages import Messages

PROGRAM = "sklearn-meta"

SUBCOMMANDS = (_fit, _predict, _score, _report, _recommend, _source, _kb)

# Errors for files, by their names: where they are defined takes long to import.
OF_FILES = {"CheckpointError", "KnowledgeBaseError"}

DESCRIPTION = "Find, fit and apply a model for the column of a table."

EPILOG = """\
examples:
  sklearn-meta fit homes.csv --target price --seconds 60 -o homes.skops
  sklearn-meta predict homes.skops new.csv -o predictions.csv
  sklearn-meta score homes.skops test.csv

exit codes: 0 done, 1 failed, 2 wrong arguments, file or column, 3 the table does not
fit the model, 130 interrupted before there was a model
"""


def main(arguments=None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : list of str, default=None
        Words of the command line; None for those of this process.

    Returns
    -------
    status : int
        0 if the model was saved or the results were written, 1 if that failed, 2 for
        wrong arguments, files and columns, 3 for a table that does not fit the model,
        130 if it was interrupted before there was a model.

    Examples
    --------
    >>> from sklearn_meta.cli import main
    >>> main(["score", "model.skops", "missing.csv"])
    2
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever reads has seen enough. The interpreter would complain once more when
        # it flushes the stream at its end.
        _forget_standard_output()
        return FAILED


def _run(arguments):
    """Run a subcommand, and tell its error."""
    # It reads its own options.
    if arguments[:2] == ["kb", "build"]:
        return _kb.build(arguments[2:])
    debug = "--debug" in arguments
    try:
        options = make_parser().parse_args(arguments)
        messages = Messages(quiet=options.quiet, as_json=options.json)
        with messages.warnings_as_notes():
            options.run(options, messages)
        return OK
    except SystemExit as end:
        # Of --help and --version.
        return int(end.code or OK)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        if debug:
            raise
        return _tell("interrupted", INTERRUPTED)
    except CommandError as error:
        if debug:
            raise
        return _tell(one_line(error), error.code)
    except Exception as error:
        if debug:
            raise
        return _tell(_described(error), _code(error))


def _tell(message, code):
    print(f"{PROGRAM}: {message}", file=sys.stderr, flush=True)
    return code


def _code(error):
    """Return the exit code of an error of the package."""
    names = {parent.__name__ for parent in type(error).__mro__}
    return USAGE if names & OF_FILES else FAILED


def _described(error):
    """Return the message of an error, with its type where users do not expect it."""
    from sklearn_meta.exceptions import SklearnMetaError

    text = one_line(error)
    if isinstance(error, SklearnMetaError | ValueError | OSError | ImportError):
        return text
    name = type(error).__name__
    return f"{name}: {text} (--debug shows where)" if text else f"{name} (see --debug)"


def _forget_standard_output():
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        # In a test, it is no file.
        return


class _Parser(argparse.ArgumentParser):
    """Parser whose errors are one line."""

    def error(self, message):
        raise UsageError(f"{message} (see {self.prog} --help)")

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            names = list(action.choices)
            if isinstance(action, argparse._SubParsersAction):
                raise UsageError(
                    f"no command {value!r}{hint(value, names)}; there are "
                    f"{', '.join(names)}"
                )
        super()._check_value(action, value)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = _Parser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=_version())
    parser.set_defaults(debug=False, json=False, quiet=False)
    subparsers = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=_Parser
    )
    for subcommand in SUBCOMMANDS:
        subcommand.add_parser(subparsers, _common())
    return parser


def _common():
    """Return the options that all subcommands have."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("output")
    group.add_argument(
        "--json", action="store_true", help="write results as one JSON object"
    )
    group.add_argument(
        "-q", "--quiet", action="store_true", help="no progress and no notes"
    )
    group.add_argument(
        "--debug", action="store_true", help="show where an error was raised"
    )
    return parser


def _version():
    import sklearn_meta

    return f"{PROGRAM} {sklearn_meta.__version__}"
