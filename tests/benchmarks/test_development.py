"""Tables to develop with, and the comparison of two systems on them."""

import json
from types import SimpleNamespace

import pytest

from benchmarks.development import GROUPS, development_tables, report
from benchmarks.peers.tables import tables_of_record
from benchmarks.select_tables import select
from tests.benchmarks.test_main_job import make_manifest, record

WITHOUT = "without_racing"


@pytest.mark.parametrize("group", GROUPS)
def test_no_table_to_develop_with_is_of_a_family_of_a_benchmark(group):
    manifest = make_manifest(600)
    chosen = development_tables(manifest, group, 5)
    tasks = [entry["task"] for entry in chosen]
    assert tasks == ["classification", "regression"] * 5
    tested = {e["family"] for e in (*select(manifest), *tables_of_record(manifest))}
    assert not tested & {entry["family"] for entry in chosen}
    _, low, high = GROUPS[group]
    assert all(low <= entry["n_rows"] < high for entry in chosen)
    for task in ("classification", "regression"):
        families = [e["family"] for e in chosen if e["task"] == task]
        assert len(set(families)) == len(families)
    # The same ones, whatever the order, and first the ones that fewer would be.
    assert development_tables(manifest[::-1], group, 5) == chosen
    assert development_tables(manifest, group, 2) == chosen[:4]


def test_only_tables_that_both_were_run_on_are_compared(tmp_path, capsys):
    records = [
        record("t", 0, WITHOUT, 0.4),
        record("t", 0, "sklearn_meta", 0.3),
        record("u", 0, WITHOUT, 0.4),
        record("v", 0, "sklearn_meta", 0.5),
    ]
    path = tmp_path / "runs.jsonl"
    path.write_text("".join(json.dumps({**r, "budget": 30.0}) + "\n" for r in records))
    report(SimpleNamespace(results=path, against=WITHOUT))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2  # regression, and all tasks
    assert all("30 s" in line and "wins 1 of 1 tables" in line for line in lines)
