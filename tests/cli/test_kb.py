"""``sklearn-meta kb``: look into, merge and build knowledge bases."""

import json

import pytest

from sklearn_meta.cli import _kb, main
from sklearn_meta.metalearning import DatasetRecord, EvaluationRecord, KnowledgeBase


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Two knowledge bases of one dataset each."""
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        KnowledgeBase(f"{name}.sqlite").add(
            DatasetRecord(name, "classification", name, 100, 4, 2, {"skew": 0.5}),
            [
                EvaluationRecord("lda(X)", "ok", {"accuracy": (0.9, 0.01)}, 0.1),
                EvaluationRecord(f"{name}(X)", "ok", {"accuracy": (0.8, 0.01)}, 0.1),
            ],
        )


@pytest.mark.usefixtures("files")
def test_what_a_file_holds(capsys):
    assert main(["kb", "info", "a.sqlite", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["datasets"] == {"classification": 1}
    assert (found["pipelines"], found["evaluations"]) == (2, 2)
    assert found["metrics"] == {"classification": ["accuracy"]}
    assert main(["kb", "info", "none.sqlite"]) == 2


def test_what_the_shipped_one_holds(capsys):
    assert main(["kb", "info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split(maxsplit=1) == ["file", "the one that ships with the package"]
    n_datasets = len(KnowledgeBase().records())
    assert f"{n_datasets} (" in lines[1]


@pytest.mark.usefixtures("files")
def test_files_are_merged(capsys):
    assert main(["kb", "merge", "all.sqlite", "a.sqlite", "b.sqlite"]) == 0
    assert capsys.readouterr().out == "all.sqlite: 2 datasets, 4 evaluations\n"
    assert len(KnowledgeBase("all.sqlite").records()) == 2
    assert len(KnowledgeBase("a.sqlite").records()) == 1


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    "others, code, message",
    [
        (["a.sqlit"], 2, "did you mean 'a.sqlite'"),
        (["all.sqlite"], 2, "there is no file all.sqlite"),
        (["text.txt"], 2, "text.txt"),
    ],
)
def test_what_cannot_be_merged(others, code, message, capsys, tmp_path):
    (tmp_path / "text.txt").write_text("text")
    assert main(["kb", "merge", "all.sqlite", *others]) == code
    assert message in capsys.readouterr().err


@pytest.mark.usefixtures("files")
def test_a_file_is_not_merged_into_itself(capsys):
    assert main(["kb", "merge", "a.sqlite", "./a.sqlite"]) == 2
    assert "cannot be merged into itself" in capsys.readouterr().err


def test_build_reads_its_own_arguments(monkeypatch, capsys):
    from sklearn_meta.building import _command

    seen = []
    monkeypatch.setattr(_command, "main", lambda arguments: seen.append(arguments) or 5)
    monkeypatch.setattr(_kb.signal, "signal", lambda *args: None)
    assert main(["kb", "build", "--data", "tables", "--out", "a.sqlite"]) == 5
    assert seen == [["--data", "tables", "--out", "a.sqlite"]]


def test_help_of_build(capsys, monkeypatch):
    monkeypatch.setattr(_kb.signal, "signal", lambda *args: None)
    assert main(["kb", "build", "--help"]) == 0
    assert "Evaluate every pipeline" in capsys.readouterr().out
    assert main(["kb", "build"]) == 2
