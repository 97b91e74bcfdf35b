"""The session of the page on the command line is what the command writes."""

import re
import shlex
from pathlib import Path

import pytest

from sklearn_meta.cli import main

PAGE = Path(__file__).parents[2] / "doc" / "command_line.rst"


def blocks(language):
    """Blocks of code of the page, without their indentation."""
    pattern = rf"\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)"
    found = re.findall(pattern, PAGE.read_text(encoding="utf-8"))
    return [re.sub("^    ", "", text, flags=re.MULTILINE).strip() for text in found]


def sessions():
    """Commands of the page with their output."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield shlex.split(command), output.strip("\n")


def shape(text):
    """Text without what depends on versions of libraries: numbers and pipelines."""
    for pattern, instead in (
        # Sentences on the model.
        (r"(?m)^(- |  \w).*\n", ""),
        (r"[\w.]+\(.*\)( +\w+)?", "P"),
        # The nearest tables.
        (r"(?m)^\w+( +\d\.\d+) .*", "table"),
        (r"-?\d+(\.\d+)?(e-?\d+)?", "#"),
        (" +", " "),
    ):
        text = re.sub(pattern, instead, text)
    return text.strip()


@pytest.mark.slow
def test_the_session_of_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(blocks("python")[0])
    for (program, *arguments), expected in sessions():
        if program == "head":
            found = "\n".join(Path(arguments[1]).read_text().splitlines()[:3])
        else:
            code = main(arguments)
            out, err = capsys.readouterr()
            found = out if code == 0 else err.splitlines()[-1]
        assert shape(found) == shape(expected)
    exec(blocks("python")[1])
    assert Path("copy.skops").exists()
