"""A file is filled with one protocol only."""

from sklearn_meta.building import _command as build
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase


def test_command_refuses_another_protocol(folder, tmp_path, capsys):
    pool, out = tmp_path / "pool.txt", tmp_path / "kb.sqlite"
    pool.write_text("dummy(X)\n")
    KnowledgeBase(out).set_provenance(protocol={"n_folds": 10})
    command = ["--data", str(folder), "--out", str(out), "--pool", str(pool)]
    assert build.main(command) == 1
    assert "another file" in capsys.readouterr().err
