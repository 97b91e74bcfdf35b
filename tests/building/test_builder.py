"""Builds on two small tables: results, failures, resuming."""

from dataclasses import replace

import pytest

from sklearn_meta.building import _builder, _worker_tasks
from sklearn_meta.building._builder import Builder, unfinished
from sklearn_meta.building._sources import read_manifest
from sklearn_meta.building._worker_tasks import (
    EvaluationProtocol,
    evaluate_cell,
    make_state,
)
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._pool import Failed
from tests.building.builds import CLASSIFICATION, PIPELINES, pool_of, run


def test_worker_that_used_up_its_seconds_counts_as_a_timeout():
    reason = "the worker process died of signal SIGPROF (Profiling timer expired)"
    assert _builder._failure(Failed(0, "crashed", reason)).status == "timeout"
    reason = "the worker process died of signal SIGSEGV (Segmentation fault)"
    assert _builder._failure(Failed(0, "crashed", reason)).status == "crashed"
    assert _builder._failure(Failed(0, "raised", "ValueError")).status == "failed"


def test_every_pipeline_on_every_table_is_written(folder, tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")
    (progress,) = run(folder, knowledge_base, PIPELINES, tmp_path)
    assert (progress.n_evaluations, progress.n_tables_done) == (4, 1)
    assert not progress.reasons and progress.seconds_left == 0
    matrix = knowledge_base.matrix(CLASSIFICATION, "roc_auc")
    assert set(matrix.pipelines) == set(PIPELINES)
    assert matrix.ok.all() and (matrix.n_rows == 90).all()
    score = dict(zip(matrix.pipelines, matrix.mean[0], strict=True))
    assert score["lda(X)"] > 0.9 and score["dummy(X)"] == 0.5


def test_what_is_known_is_not_evaluated_again(folder, tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")
    run(folder, knowledge_base, PIPELINES[:3], tmp_path)
    (progress,) = run(folder, knowledge_base, PIPELINES, tmp_path)
    assert progress.n_evaluations == 1
    assert run(folder, knowledge_base, PIPELINES, tmp_path) == []


def test_failures_are_recorded_and_counted(folder, tmp_path, monkeypatch):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")
    texts = ("lda(X)", "qda(X)")

    def fail_sometimes(state, path, text, cell_seconds):
        if text == "qda(X)":
            raise ValueError("no such luck")
        yield from evaluate_cell(state, path, text, cell_seconds)

    monkeypatch.setattr(_worker_tasks, "evaluate_cell", fail_sometimes)
    (progress,) = run(folder, knowledge_base, texts, tmp_path)
    ((reason, n),) = progress.reasons.items()
    assert n == 1 and "no such luck" in reason
    matrix = knowledge_base.matrix(CLASSIFICATION)
    assert matrix.tried.all() and matrix.ok.sum() == 1
    assert run(folder, knowledge_base, texts, tmp_path) == []


def test_hopeless_pipeline_is_not_tried(folder, tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")
    sources = read_manifest(folder, tasks=[CLASSIFICATION])
    pools = pool_of("mlp(X, n_layers=3)", tmp_path=tmp_path)
    seen = []
    protocol = replace(EvaluationProtocol(), cell_seconds=1e-3)
    Builder(
        knowledge_base, protocol, InProcessPool(make_state()), observe=seen.append
    ).run(unfinished(knowledge_base, sources, pools))
    assert "predicted to take" in next(iter(seen[0].reasons))
    assert knowledge_base.matrix(CLASSIFICATION).tried.all()


def test_table_that_cannot_be_read_stops_nothing(folder, tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")
    source = read_manifest(folder, tasks=[CLASSIFICATION])[0]
    work = [(replace(source, name="b", path=tmp_path / "none.parquet"), ("lda(X)",))]
    work.append((source, ("lda(X)",)))
    seen = []
    pool = InProcessPool(make_state())
    Builder(knowledge_base, EvaluationProtocol(), pool, observe=seen.append).run(work)
    assert [(p.table, p.n_evaluations) for p in seen] == [("b", 0), ("flowers", 1)]
    assert "none.parquet" in next(iter(seen[0].reasons))


def test_interrupted_run_has_written_what_was_finished(folder, tmp_path, monkeypatch):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")

    def interrupt_third(state, path, text, cell_seconds):
        if text == PIPELINES[2]:
            raise KeyboardInterrupt
        yield from evaluate_cell(state, path, text, cell_seconds)

    monkeypatch.setattr(_worker_tasks, "evaluate_cell", interrupt_third)
    with pytest.raises(KeyboardInterrupt):
        run(folder, knowledge_base, PIPELINES, tmp_path)
    assert set(knowledge_base.matrix(CLASSIFICATION).pipelines) == set(PIPELINES[:2])
    monkeypatch.undo()
    (progress,) = run(folder, knowledge_base, PIPELINES, tmp_path)
    assert progress.n_evaluations == 2
