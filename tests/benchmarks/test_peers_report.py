"""The report: tables and pictures of made-up results."""

import json
import sys

import numpy as np
import pytest

from benchmarks.peers import report
from benchmarks.peers._markdown import Table, number
from benchmarks.peers._report_tables import (
    cost_table,
    duels_table,
    failures_table,
    metric_tables,
    over_time_tables,
    peer_budgets,
    scores_table,
    summary_table,
)
from benchmarks.peers._scores import METRICS
from benchmarks.peers._summary import Competitor, compare
from benchmarks.peers.report import make_tables, read_records
from tests.benchmarks.made_up_results import OURS, SYSTEMS, make_record, make_records

RMSE = METRICS["rmse"]
LOG_LOSS = METRICS["log_loss"]


@pytest.fixture(scope="module")
def records():
    return make_records()


def rows_of(table):
    """Return ``{first cell: {column: cell}}``."""
    return {r[0]: dict(zip(table.header, r, strict=True)) for r in table.rows}


def small_example():
    records = []
    for name, losses in {"ours": (0.2, 0.3), "a": (0.4, 0.1), "b": (0.6, None)}.items():
        for table, value in zip("tu", losses, strict=True):
            records.append(make_record(table, name, value))
    everyone = [Competitor(name, 10.0) for name in ("a", "b", "ours")]
    return records, compare(records, RMSE, everyone)


def test_scores():
    table = scores_table(small_example()[1], 10.0)
    assert table.name == "rmse-10s-scores"
    assert table.header == ["table", "a", "b", "ours", "constant"]
    assert table.rows == [
        ["t", "0.4", "0.6", "**0.2**", "1"],
        ["u", "**0.1**", "1", "0.3", "1"],
    ]


def test_summary():
    table = summary_table(small_example()[1], 10.0)
    assert [row[0] for row in table.rows] == ["a", "ours", "b"]
    rows = rows_of(table)
    assert rows["a"]["mean rank"] == rows["ours"]["mean rank"] == "1.50"
    assert rows["b"]["mean rank"] == "3.00"
    assert rows["ours"]["wins"] == "1"
    assert rows["ours"]["score"] == f"{(1 + 0.7 / 0.9) / 2:.3f}"
    assert rows["ours"]["95 % interval"] == f"{0.7 / 0.9:.3f} to 1.000"
    assert rows["b"]["failed runs"] == "1"


def test_duels():
    comparison = small_example()[1]
    table = duels_table(comparison, Competitor("ours", 10.0), "name", "title")
    rows = rows_of(table)
    assert set(rows) == {"a", "b"}
    assert [rows["a"][k] for k in ("win", "tie", "loss")] == ["1", "0", "1"]
    assert rows["b"]["win"] == "2"
    assert rows["b"]["median gain"] == f"{(0.4 / 0.6 + 0.7) / 2:+.2%}"
    assert rows["b"]["loss ratio"] == "0.316"  # sqrt(0.2 / 0.6 * 0.3)


def test_scores_over_time_are_on_one_scale():
    records, _ = small_example()
    assert over_time_tables(records, RMSE) == []
    late = [make_record(table, "ours", 0.1) | {"budget": 60.0} for table in "tu"]
    (table,) = over_time_tables([*records, *late], RMSE)
    assert table.name == "rmse-over-time"
    assert table.header == ["system", "no budget", "10 s", "60 s"]
    # The constant has the loss 1, the best of all 0.1.
    early = f"{(0.8 + 0.7) / 0.9 / 2:.3g}"
    assert rows_of(table)["ours"] == {
        "system": "ours", "no budget": "–", "10 s": early, "60 s": "1"
    }  # fmt: skip
    assert rows_of(table)["b"]["60 s"] == "–"


def test_failures_of_one_reason_are_together():
    records, _ = small_example()
    records.append(make_record("v", "b", None))
    assert failures_table(records).rows == [
        ["b", "failed", "2", "fit: MadeUpError: a / b", "u (10 s), v (10 s)"]
    ]


def test_costs():
    records = [
        make_record("t", "a", 0.1) | {"overrun_seconds": 1.0, "fit_seconds": 11.0},
        make_record("u", "a", 0.1) | {"overrun_seconds": -1.0, "peak_megabytes": 300.0},
        make_record("v", "a", None),
        make_record("t", "b", 0.1, budget=None) | {"predict_1000_seconds": 0.02},
    ]
    rows = rows_of(cost_table(records))
    assert rows["a"]["runs"] == "3" and rows["a"]["failed"] == "1"
    assert rows["a"]["median fit (s)"] == "10"
    assert rows["a"]["largest overrun (s)"] == "+1.00 (+10%)"
    assert rows["a"]["median memory (MB)"] == "100"
    assert rows["a"]["largest memory (MB)"] == "300"
    assert rows["b"]["budget (s)"] == rows["b"]["largest overrun (s)"] == "–"
    assert rows["b"]["median prediction of 1 000 rows (ms)"] == "20"


def test_systems_without_a_budget_are_compared_at_every_one(records):
    budgets = {b for _, _, _, b in SYSTEMS}
    assert budgets == {True, False}
    for metric in (LOG_LOSS, RMSE):
        tables = {t.name: t for t in metric_tables(records, metric, OURS)}
        for seconds in ("10s", "60s"):
            rows = rows_of(tables[f"{metric.name}-{seconds}-summary"])
            assert set(rows) == {name for name, *_ in SYSTEMS}
            # It was made up to be so.
            assert next(iter(rows)) == OURS
            failed = {name for name in rows if rows[name]["failed runs"] != "0"}
            assert failed == {"made_up_late"}
        assert f"{metric.name}-10s-against-60s" in tables
        assert f"{metric.name}-60s-against-10s" not in tables


def test_our_own_budgets_are_no_budgets_of_the_peers(records):
    more = [*records, make_record("made_up_0", OURS, 0.5, budget=2.0)]
    assert peer_budgets(more, OURS) == [10.0, 60.0]
    ours = [r for r in more if r["system"] == OURS]
    assert peer_budgets(ours, OURS) == [2.0, 10.0, 60.0]


def test_markdown():
    table = Table("n", "t", ["a", "long header"], [["long cell", "1"]])
    assert table.markdown() == (
        "| a         | long header |\n"
        "| --------- | ----------- |\n"
        "| long cell | 1           |"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (np.nan, "–"),
        (0.123456, "0.1235"),
        (4.0, "4"),
        (123456.7, "123457"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


def test_the_last_line_of_a_run_counts(tmp_path):
    path = tmp_path / "results.jsonl"
    lines = [make_record("t", "a", None), make_record("t", "a", 0.5)]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert [r["status"] for r in read_records([path])] == ["ok"]


def test_names_of_tables_are_names_of_files(records):
    names = [t.name for t in make_tables(records, METRICS.values(), OURS)]
    assert len(set(names)) == len(names)
    assert not any(set(name) & set("/ .") for name in names)


def test_the_command(tmp_path, records, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    results = tmp_path / "results.jsonl"
    results.write_text("".join(f"{json.dumps(r)}\n" for r in records))
    words = ["report", str(results), "--ours", OURS]
    words += ["--markdown", str(tmp_path / "tables")]
    words += ["--pictures", str(tmp_path / "pictures")]
    monkeypatch.setattr(sys, "argv", words)
    report.main()
    printed = capsys.readouterr().out
    files = sorted((tmp_path / "tables").iterdir())
    assert len(files) == printed.count("## ")
    assert all(path.read_text().strip() in printed for path in files)
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {
        "mean_ranks.png",
        "score_over_time.png",
        "score_against_predict_time.png",
    }


def test_the_command_without_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["report", str(tmp_path / "none.jsonl")])
    with pytest.raises(SystemExit, match=r"There are no such runs in .*none\.jsonl"):
        report.main()


# Pictures


@pytest.fixture
def pictures():
    pytest.importorskip("matplotlib")
    from benchmarks.peers import _pictures

    return _pictures


def test_picture_of_mean_ranks(records, pictures):
    figure = pictures.mean_ranks(records, [LOG_LOSS, RMSE], OURS)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles == [
        f"{name}, {budget} s, 10 tables"
        for name in ("log loss", "RMSE")
        for budget in (10, 60)
    ]
    for ax in figure.axes:
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert set(names) == {name for name, *_ in SYSTEMS}
        assert names[-1] == OURS  # on top
        points = ax.collections[-1]
        means = points.get_offsets()[:, 0]
        assert len(means) == len(SYSTEMS)
        assert (np.diff(means) <= 0).all()
        assert means.mean() == pytest.approx((len(SYSTEMS) + 1) / 2)


def test_picture_of_the_score_over_time(records, pictures):
    figure = pictures.score_over_time(records, [LOG_LOSS, RMSE], OURS)
    assert len(figure.axes) == 2
    for ax in figure.axes:
        lines = {line.get_label(): line for line in ax.lines}
        assert set(lines) == {name for name, *_ in SYSTEMS}
        assert lines[OURS].get_xdata().tolist() == [10.0, 60.0]
        early, late = lines[OURS].get_ydata()
        assert 0 < early < late <= 1
        assert len(lines["made_up_forest"].get_xdata()) == 1
        assert 0.5 < lines["made_up_forest"].get_xdata()[0] < 2


def test_picture_of_the_score_against_the_predict_time(records, pictures):
    figure = pictures.score_against_predict_time(records, [LOG_LOSS, RMSE], OURS)
    for ax in figure.axes:
        at = {c.get_label(): c.lines[0].get_xdata()[0] for c in ax.containers}
        assert at == pytest.approx({name: 1000 * s for name, _, s, _ in SYSTEMS})


def test_nobody_else_has_our_color(pictures):
    names = [f"system {i}" for i in range(9)]
    colors = pictures._colors([*names, OURS], OURS)
    assert len({str(c) for c in colors.values()}) == 10
    assert colors[OURS] == pictures.OURS
