"""The command line on two small tables."""

import pytest

from sklearn_meta.building import _command as build
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from tests.building.builds import REGRESSION


def test_command_fills_and_goes_on(folder, tmp_path, capsys):
    pool, out = tmp_path / "pool.txt", tmp_path / "kb.sqlite"
    pool.write_text(
        "[classification]\nlda(X)\n[regression]\nridge(X)  # plain\nridge(X)\n"
    )
    command = ["--data", str(folder), "--out", str(out), "--pool", str(pool)]
    command += ["--only-pool", "--n-jobs", "1"]
    assert build.main(command) == 0
    told = capsys.readouterr().err
    assert "2 evaluations to go" in told and "[2/2]" in told
    knowledge_base = KnowledgeBase(out)
    assert knowledge_base.matrix(REGRESSION).pipelines == ("ridge(X)",)
    assert knowledge_base.provenance()["protocol"]["n_folds"] == 3
    assert build.main(command) == 0
    assert " 0 evaluations to go" in capsys.readouterr().err


def test_shards_share_the_tables(folder, tmp_path, capsys):
    pool = tmp_path / "pool.txt"
    pool.write_text("")
    for shard in ("1/2", "2/2"):
        command = ["--data", str(folder), "--out", str(tmp_path / "kb.sqlite")]
        command += ["--pool", str(pool), "--only-pool", "--shard", shard]
        assert build.main(command) == 0
        assert capsys.readouterr().err.startswith("1 tables")


@pytest.mark.parametrize("shard", ["0/2", "3/2", "1", "a/b"])
def test_impossible_shard_is_refused(shard, capsys):
    with pytest.raises(SystemExit):
        build.main(["--data", "x", "--out", "y", "--shard", shard])
    assert "1 <= I <= N" in capsys.readouterr().err
