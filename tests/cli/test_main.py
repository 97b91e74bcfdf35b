"""The command as a whole: exit codes, messages of one line, streams, seconds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sklearn_meta
from sklearn_meta import cli
from sklearn_meta.cli import _score, main
from sklearn_meta.cli._main import SUBCOMMANDS, make_parser

try:
    import resource
except ImportError:  # on Windows
    resource = None

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "sklearn_meta"]


def run(*arguments, **settings):
    """Run the command in another process."""
    environment = {**os.environ, "PYTHONPATH": os.fspath(ROOT)}
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, **settings
    )


def test_help_names_all_commands(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ("fit", "predict", "score", "report", "recommend", "source", "kb"):
        assert f"\n    {name}" in text
    assert "exit codes" in text
    assert len(SUBCOMMANDS) == 7


@pytest.mark.parametrize(
    "command",
    [
        *(["fit"], ["predict"], ["score"], ["report"], ["recommend"], ["source"]),
        *(["kb"], ["kb", "info"], ["kb", "merge"]),
    ],
)
def test_every_command_has_help(command, capsys):
    assert main([*command, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: sklearn-meta {' '.join(command)}")


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"sklearn-meta {sklearn_meta.__version__}\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "the following arguments are required: COMMAND (see sklearn-meta --help)"),
        (["fitt"], "no command 'fitt'; did you mean 'fit'?; there are fit, predict,"),
        (["kb", "inf"], "no command 'inf'; did you mean 'info'?"),
        (["fit", "a.csv", "-t", "y", "--bar"], "unrecognized arguments: --bar"),
        (["fit", "a.csv", "-t", "y", "--task", "x"], "argument --task: invalid choice"),
        (["fit", "none.csv", "-t", "y"], "there is no file none.csv"),
        (["predict", "none.skops", "a.csv"], "there is no file none.skops"),
    ],
)
def test_wrong_arguments_are_one_line(arguments, message, capsys):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"sklearn-meta: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "error, code, message",
    [
        (ValueError("first\nsecond"), 1, "first second"),
        (ZeroDivisionError("x"), 1, "ZeroDivisionError: x (--debug shows where)"),
        (MemoryError(), 1, "MemoryError (see --debug)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_are_one_line(error, code, message, capsys, monkeypatch):
    def fail(options, messages):
        raise error

    # Read when the parser is made.
    monkeypatch.setattr(_score, "run", fail)
    assert main(["score", "m", "t"]) == code
    assert capsys.readouterr().err == f"sklearn-meta: {message}\n"
    with pytest.raises(type(error)):
        main(["score", "m", "t", "--debug"])


def test_debug_shows_where_a_file_is_missing():
    with pytest.raises(cli._main.CommandError):
        main(["score", "m", "t", "--debug"])


def test_the_parser_is_made_anew():
    assert make_parser() is not make_parser()


def test_public_names():
    assert set(cli.__all__) == {"load_model", "main", "save_model"}
    with pytest.raises(AttributeError, match="no attribute 'load'"):
        cli.load  # noqa: B018


# In another process


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from sklearn_meta.cli import main; main(['fit', '--help']); "
        "import json; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True
    )
    packages = {name.partition(".")[0] for name in json.loads(found.stderr)}
    third_party = packages - set(sys.stdlib_module_names) - {"sklearn_meta"}
    # What a site of Python imports itself.
    assert not third_party & {"numpy", "sklearn", "scipy", "pandas", "torch", "skops"}


@pytest.mark.skipif(resource is None, reason="Windows does not measure children")
def test_help_takes_a_fifth_of_a_second():
    # Of the processor: this test may not be alone on the machine.
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    seconds = []
    for _ in range(3):
        before = used()
        assert run("--help").returncode == 0
        seconds.append(used() - before)
    assert min(seconds) < 0.2


def test_whoever_reads_a_pipe_may_stop_early(homes_model, folder):
    reads, writes = os.pipe()
    os.close(reads)
    with open("homes.csv", "rb") as table:
        process = subprocess.run(
            [*COMMAND, "predict", homes_model, "-"],
            env={**os.environ, "PYTHONPATH": os.fspath(ROOT)},
            stdin=table,
            stdout=writes,
            stderr=subprocess.PIPE,
        )
    os.close(writes)
    assert (process.returncode, process.stderr) == (1, b"")
