"""The builder: its scores, its resuming and its command, on two tiny tables."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from sklearn_meta.building import _builder, _cells, _pruning
from sklearn_meta.building import _command as build
from sklearn_meta.building._builder import Builder, unfinished
from sklearn_meta.building._cells import (
    Protocol,
    evaluate_cell,
    prepare_table,
    sample_rows,
    set_up,
    split,
)
from sklearn_meta.building._metrics import fold_scores, summarize
from sklearn_meta.building._sources import read_manifest, read_table
from sklearn_meta.building._texts import default_pool_files, read_pool
from sklearn_meta.data._dataset import Dataset
from sklearn_meta.data._encoding import schema_of
from sklearn_meta.data._task import ClassificationTask, RegressionTask
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._metrics import STORED_METRICS
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.parallel._pool import Failed
from sklearn_meta.pipelines import default_catalog, format_tree, parse
from tests.metalearning.knowledge import dataset, evaluation

CLASSIFICATION, REGRESSION = "classification", "regression"
PIPELINES = ("dummy(X)", "lda(X)", "lda(one_hot(X))", "decision_tree(X, max_depth=2)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two tables: three classes with a category, and a regression."""
    folder = tmp_path_factory.mktemp("tables")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(90, 3)), columns=list("abc"))
    frame["color"] = pd.Categorical(rng.choice(["red", "green"], size=90))
    y = frame["a"] + 0.3 * rng.normal(size=90)
    labels = np.array(["low", "mid", "top"])[np.digitize(y, [-0.5, 0.5])]
    frame.assign(kind=labels).to_parquet(folder / "flowers.parquet")
    numbers = frame.drop(columns="color").assign(target=y)
    (folder / "train" / REGRESSION).mkdir(parents=True)
    numbers.to_parquet(folder / "train" / REGRESSION / "heights.parquet")
    manifest = [
        {
            "name": "flowers",
            "task": CLASSIFICATION,
            "file": "flowers.parquet",
            "target": "kind",
            "family": "plants",
        },
        {"name": "heights", "task": REGRESSION},
    ]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def flowers(folder):
    return read_manifest(folder, names=["flowers"])[0]


def pool_of(*texts, task=CLASSIFICATION, tmp_path):
    path = tmp_path / "pool.txt"
    path.write_text("\n".join(texts))
    return {task: read_pool([path], catalog=default_catalog(task))}


# Scores


@given(st.integers(2, 5), st.integers(1, 6), st.integers(0, 2**31 - 1))
@settings(deadline=None)
def test_classification_scores_are_those_of_scikit_learn(n_classes, decimals, seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=25)])
    # Rounded, so that there are ties.
    p = rng.dirichlet(np.ones(n_classes), size=len(y)).round(decimals) + 0.01
    p /= p.sum(axis=1, keepdims=True)
    scores = fold_scores(CLASSIFICATION, y, p)
    if n_classes == 2:
        auc = sk.roc_auc_score(y, p[:, 1])
    else:
        auc = sk.roc_auc_score(y, p, multi_class="ovr", average="weighted")
    expected = {
        "neg_log_loss": -sk.log_loss(y, p),
        "roc_auc": auc,
        "balanced_accuracy": sk.balanced_accuracy_score(y, p.argmax(axis=1)),
        "accuracy": sk.accuracy_score(y, p.argmax(axis=1)),
    }
    assert scores == pytest.approx(expected, rel=1e-10)
    assert tuple(scores) == STORED_METRICS[CLASSIFICATION]


@given(st.integers(2, 30), st.integers(0, 2**31 - 1))
@settings(deadline=None)
def test_regression_scores_are_those_of_scikit_learn(n, seed):
    rng = np.random.default_rng(seed)
    y, predicted = rng.normal(3.0, 10.0, size=(2, n))
    expected = {
        "neg_root_mean_squared_error": -sk.root_mean_squared_error(y, predicted),
        "neg_mean_absolute_error": -sk.mean_absolute_error(y, predicted),
        "r2": sk.r2_score(y, predicted),
    }
    scores = fold_scores(REGRESSION, y, predicted)
    assert scores == pytest.approx(expected, rel=1e-10)
    assert tuple(scores) == STORED_METRICS[REGRESSION]


@pytest.mark.parametrize("predicted", [[2.0, 2.0], [1.0, 3.0]])
def test_r2_of_a_constant_target_is_that_of_scikit_learn(predicted):
    y = np.array([2.0, 2.0])
    scores = fold_scores(REGRESSION, y, np.array(predicted))
    assert scores["r2"] == sk.r2_score(y, predicted)


def test_class_that_a_fold_lacks_has_no_weight():
    y = np.array([0, 0, 2, 2, 0])
    p = np.array([[7, 1, 2], [5, 1, 4], [2, 2, 6], [6, 1, 3], [4, 5, 1]]) / 10
    areas = [sk.roc_auc_score(y == c, p[:, c]) for c in (0, 2)]
    scores = fold_scores(CLASSIFICATION, y, p)
    assert scores["roc_auc"] == pytest.approx(np.average(areas, weights=[3, 2]))
    assert scores["balanced_accuracy"] == pytest.approx((2 / 3 + 1 / 2) / 2)


def test_area_of_one_class_is_not_defined():
    y = np.zeros(4, dtype=int)
    for n_classes in (2, 3):
        p = np.full((4, n_classes), 1 / n_classes)
        assert np.isnan(fold_scores(CLASSIFICATION, y, p)["roc_auc"])


def test_summary_passes_over_what_is_not_defined():
    folds = [{"a": 1.0, "b": np.nan}, {"a": 2.0, "b": np.nan}, {"a": 6.0, "b": np.nan}]
    summary = summarize(folds)
    assert summary == {"a": (3.0, pytest.approx(np.sqrt(7 / 3)))}
    mean, error = summarize([{"a": 1.0}, {"a": np.nan}])["a"]
    assert mean == 1.0 and np.isnan(error)


# Tables


def test_tables_come_in_an_order_that_is_not_that_of_the_file(folder):
    names = [source.name for source in read_manifest(folder)]
    assert sorted(names) == ["flowers", "heights"]
    assert read_manifest(folder, tasks=[REGRESSION])[0].family == "heights"
    assert names == [source.name for source in read_manifest(folder)]


def test_table_is_encoded_as_the_estimators_do(flowers):
    dataset = read_table(flowers)
    assert dataset.task.classes.tolist() == ["low", "mid", "top"]
    assert dataset.schema.n_categorical == 1
    assert dataset.X.shape == (90, 4) and len(dataset.y) == 90


def test_rows_without_target_are_left_out(tmp_path):
    frame = pd.DataFrame({"a": range(6), "target": [1.5, np.nan, 2.0, 3.0, np.nan, 4]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    entry = {"name": "t", "task": REGRESSION, "file": "t.csv"}
    (tmp_path / "manifest.json").write_text(json.dumps([entry]))
    dataset = read_table(read_manifest(tmp_path)[0])
    assert dataset.y.tolist() == [1.5, 2.0, 3.0, 4.0]
    assert dataset.X.ravel().tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ([{"name": "a"}], "without 'task'"),
        ([{"name": "a", "task": "clustering"}], "Got 'clustering'"),
        ([{"name": "a", "task": REGRESSION}] * 2, "two tables called 'a'"),
        ([], "no table called 'b'"),
    ],
)
def test_bad_manifest_is_explained(tmp_path, manifest, message):
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=message):
        read_manifest(tmp_path, names=["b"])


def test_folder_without_manifest_is_explained(tmp_path):
    with pytest.raises(FileNotFoundError, match="manifest.json"):
        read_manifest(tmp_path)


def dataset_of(y, task):
    X = np.arange(len(y), dtype=float)[:, None]
    return Dataset(X=X, y=np.asarray(y), schema=schema_of(X), task=task)


def test_sample_keeps_proportions_and_rare_classes():
    y = np.repeat([0, 1, 2], [9_000, 990, 10])
    dataset = dataset_of(y, ClassificationTask(np.arange(3)))
    rows = sample_rows(dataset, Protocol(max_rows=1000, n_folds=3), seed=1)
    assert np.bincount(y[rows]).tolist() == [900, 99, 6]
    assert (np.diff(rows) > 0).all()
    again = sample_rows(dataset, Protocol(max_rows=1000, n_folds=3), seed=1)
    np.testing.assert_array_equal(rows, again)


def test_sample_of_a_regression_and_of_a_small_table():
    dataset = dataset_of(np.arange(50.0), RegressionTask())
    assert sample_rows(dataset, Protocol(max_rows=50), seed=0) is None
    assert len(np.unique(sample_rows(dataset, Protocol(max_rows=20), seed=0))) == 20


@pytest.mark.parametrize(("n", "n_folds"), [(90, 9), (200, 6), (300, 3)])
def test_few_rows_are_split_more_often(n, n_folds):
    dataset = dataset_of(np.arange(n, dtype=float), RegressionTask())
    folds = split(dataset, 3, seed=0)
    assert len(folds) == n_folds
    counts = np.bincount(np.concatenate([validation for _, validation in folds]))
    assert (counts == n_folds // 3).all()


# Cells


def test_cell_is_the_cross_validation_that_it_says(flowers, tmp_path):
    bench = set_up()
    path = str(tmp_path / "table")
    protocol = Protocol()
    record, n_rows, cells = next(
        prepare_table(bench, flowers, PIPELINES, protocol, path)
    )
    assert (record.family, record.n_classes, n_rows) == ("plants", 3, 90)
    assert len(record.metafeatures) >= 50
    assert [text for text, _ in cells] == list(PIPELINES)
    result = next(evaluate_cell(bench, path, "decision_tree(X, max_depth=2)", 60.0))
    table = bench.take(path)
    assert len(table.folds) == 9
    assert result.status == "ok"
    mean, error = result.scores["accuracy"]
    assert 0.6 < mean < 1.0 and 0 < error < 0.1


def test_seconds_of_a_cell_are_those_of_its_fits(flowers, tmp_path):
    bench = set_up()
    path = str(tmp_path / "table")
    next(prepare_table(bench, flowers, (), Protocol(), path))
    # Long enough for a process clock that sees nothing of a small tree.
    result = next(evaluate_cell(bench, path, "extra_trees(X)", 60.0))
    assert 0 < result.fit_seconds < result.cpu_seconds


def test_steps_that_do_nothing_share_a_cell(folder, tmp_path):
    heights = read_manifest(folder, names=["heights"])[0]
    texts = ("ridge(X)", "ridge(one_hot(X))", "ridge(impute(target_encode(X)))")
    path = str(tmp_path / "table")
    _, _, cells = next(prepare_table(set_up(), heights, texts, Protocol(), path))
    assert {text for text, _ in cells} == {"ridge(X)"}


def test_cell_that_will_take_too_long_is_given_up_after_a_fold(flowers, tmp_path):
    bench = set_up()
    path = str(tmp_path / "table")
    next(prepare_table(bench, flowers, (), Protocol(), path))
    text = "extra_trees(X)"
    one_fit = next(evaluate_cell(bench, path, text, 60.0)).fit_seconds
    # Enough for one fold, but not for nine.
    result = next(evaluate_cell(bench, path, text, 4 * one_fit))
    assert result.status == "timeout" and not result.scores
    assert result.fit_seconds > 0 and "would take" in result.reason


def test_worker_that_used_up_its_seconds_counts_as_a_timeout():
    reason = "the worker process died of signal SIGPROF (Profiling timer expired)"
    assert _builder._failure(Failed(0, "crashed", reason)).status == "timeout"
    reason = "the worker process died of signal SIGSEGV (Segmentation fault)"
    assert _builder._failure(Failed(0, "crashed", reason)).status == "crashed"
    assert _builder._failure(Failed(0, "raised", "ValueError")).status == "failed"


# The run


def run(folder, knowledge_base, texts, tmp_path, **kw):
    pools = pool_of(*texts, tmp_path=tmp_path)
    sources = read_manifest(folder, tasks=[CLASSIFICATION])
    work = unfinished(knowledge_base, sources, pools)
    seen = []
    pool = InProcessPool(set_up())
    Builder(knowledge_base, Protocol(), pool, **{"observe": seen.append, **kw}).run(
        work
    )
    return seen


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

    def fail_sometimes(bench, path, text, cell_seconds):
        if text == "qda(X)":
            raise ValueError("no such luck")
        yield from evaluate_cell(bench, path, text, cell_seconds)

    monkeypatch.setattr(_cells, "evaluate_cell", fail_sometimes)
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
    protocol = replace(Protocol(), cell_seconds=1e-3)
    Builder(knowledge_base, protocol, InProcessPool(set_up()), observe=seen.append).run(
        unfinished(knowledge_base, sources, pools)
    )
    assert "predicted to take" in next(iter(seen[0].reasons))
    assert knowledge_base.matrix(CLASSIFICATION).tried.all()


def test_table_that_cannot_be_read_stops_nothing(folder, tmp_path):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")
    source = read_manifest(folder, tasks=[CLASSIFICATION])[0]
    work = [(replace(source, name="b", path=tmp_path / "none.parquet"), ("lda(X)",))]
    work.append((source, ("lda(X)",)))
    seen = []
    pool = InProcessPool(set_up())
    Builder(knowledge_base, Protocol(), pool, observe=seen.append).run(work)
    assert [(p.table, p.n_evaluations) for p in seen] == [("b", 0), ("flowers", 1)]
    assert "none.parquet" in next(iter(seen[0].reasons))


def test_interrupted_run_has_written_what_was_finished(folder, tmp_path, monkeypatch):
    knowledge_base = KnowledgeBase(tmp_path / "kb.sqlite")

    def interrupt_third(bench, path, text, cell_seconds):
        if text == PIPELINES[2]:
            raise KeyboardInterrupt
        yield from evaluate_cell(bench, path, text, cell_seconds)

    monkeypatch.setattr(_cells, "evaluate_cell", interrupt_third)
    with pytest.raises(KeyboardInterrupt):
        run(folder, knowledge_base, PIPELINES, tmp_path)
    assert set(knowledge_base.matrix(CLASSIFICATION).pipelines) == set(PIPELINES[:2])
    monkeypatch.undo()
    (progress,) = run(folder, knowledge_base, PIPELINES, tmp_path)
    assert progress.n_evaluations == 2


# The command


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


def test_command_refuses_another_protocol(folder, tmp_path, capsys):
    pool, out = tmp_path / "pool.txt", tmp_path / "kb.sqlite"
    pool.write_text("dummy(X)\n")
    KnowledgeBase(out).set_provenance(protocol={"n_folds": 10})
    command = ["--data", str(folder), "--out", str(out), "--pool", str(pool)]
    assert build.main(command) == 1
    assert "another file" in capsys.readouterr().err


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


# Pruning


def test_pruned_file_keeps_what_wins(folder, tmp_path, capsys):
    full = tmp_path / "kb.sqlite"
    run(folder, KnowledgeBase(full), (*PIPELINES, "extra_tree(X)"), tmp_path)
    small = tmp_path / "small.sqlite"
    command = ["prune", "--in", str(full), "--out", str(small), "--max-pipelines", "2"]
    assert build.main(command) == 0
    report = json.loads(capsys.readouterr().out)
    # Metrics may disagree on the best one of the only table; more are of no use.
    assert report[CLASSIFICATION]["n_pipelines"]["before"] == 5
    assert report[CLASSIFICATION]["n_pipelines"]["after"] <= 2
    assert report[CLASSIFICATION]["mean_regret"]["neg_log_loss"] == {"1": 0.0}
    before = KnowledgeBase(full).matrix(CLASSIFICATION)
    after = KnowledgeBase(small).matrix(CLASSIFICATION)
    best = before.pipelines[int(before.mean[0].argmax())]
    assert {best, "dummy(X)"} <= set(after.pipelines)
    assert "extra_tree(X)" not in after.pipelines
    assert after.mean.max() == before.mean.max()
    assert KnowledgeBase(small).provenance()["pruned"] == report
    assert build.main(command) == 1
    assert "exists already" in capsys.readouterr().err


def test_what_was_tried_on_few_tables_is_pruned(tmp_path):
    full = KnowledgeBase(tmp_path / "full.sqlite")
    for i in range(10):
        tried = ["lda(X)", "gaussian_nb(X)"] if i else ["lda(X)", "extra_tree(X)"]
        score = {"extra_tree(X)": -0.1, "gaussian_nb(X)": -0.3}
        evaluations = [
            evaluation(t, scores={"neg_log_loss": (score.get(t, -0.4), 0.01)})
            for t in tried
        ]
        full.add(dataset(f"table{i}"), evaluations)
    kept = {}
    for share in (0.0, 0.9, 1.0):
        path = tmp_path / f"{share}.sqlite"
        _pruning.prune(full, path, max_pipelines=9, min_share=share)
        kept[share] = set(KnowledgeBase(path).matrix(CLASSIFICATION).pipelines)
    assert "extra_tree(X)" in kept[0.0]
    assert kept[0.9] == {"gaussian_nb(X)"}
    assert kept[1.0] == {"lda(X)"}


def test_orders_take_turns():
    orders = (["a", "b", "c"], ["b", "d"], [])
    assert _pruning.take_turns(orders, 10) == ["a", "b", "d", "c"]
    assert _pruning.take_turns(orders, 2) == ["a", "b"]
    assert _pruning.take_turns((), 2) == []


# The pool that ships


@pytest.mark.parametrize(
    ("task", "at_least"), [(CLASSIFICATION, 120), (REGRESSION, 80)]
)
def test_shipped_pool_is_canonical_and_diverse(task, at_least):
    catalog = default_catalog(task)
    (path,) = default_pool_files(task)
    lines = [line for line in path.read_text().splitlines() if line[0] != "#"]
    texts = [line.partition("  # ")[0] for line in lines]
    assert len(texts) == len(set(texts)) >= at_least
    for text in texts:
        assert format_tree(parse(text, catalog=catalog)) == text
    assert all("  # " in line for line in lines)
    # What was meta-learned on the tables of the matrix would look too good on them.
    learners = {o.name for o in catalog.select("learner") if not o.requires}
    named = set(re.findall(r"\b[a-z_]+(?=\()", " ".join(texts)))
    assert learners <= named, "every learner of the catalog has a pipeline"


def test_bad_line_of_a_pool_is_named(tmp_path):
    path = tmp_path / "pool.txt"
    path.write_text("lda(X)\n\n# a remark\nlda(Y)\n")
    with pytest.raises(ValueError, match="pool.txt, line 4"):
        read_pool([path], catalog=default_catalog(CLASSIFICATION))
