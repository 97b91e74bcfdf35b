"""Families held out from meta-training."""

import pytest

from benchmarks._held_out import NUMBER, held_out_families, held_out_tables
from benchmarks.select_tables import select
from tests.benchmarks.test_main_job import make_manifest


class TestHeldOutFamilies:
    def test_follow_their_rule(self):
        manifest = make_manifest(300)
        number = {"classification": 60, "regression": 50}
        families = held_out_families(manifest, number)
        assert {entry["family"] for entry in select(manifest)} < families
        for task, wanted in number.items():
            assert len(held_out_tables(manifest, task, families)) >= wanted

    def test_no_more_than_needed(self):
        # Only families of one table, so that the last one that was taken was needed.
        manifest = [{**e, "family": e["name"]} for e in make_manifest(300)]
        families = held_out_families(manifest)
        for task, wanted in NUMBER.items():
            assert len(held_out_tables(manifest, task, families)) == wanted

    def test_do_not_depend_on_the_order_of_the_manifest(self):
        manifest = make_manifest(300)
        assert held_out_families(manifest) == held_out_families(manifest[::-1])

    def test_small_tables_do_not_count(self):
        manifest = make_manifest(300)
        for entry in manifest[150:]:
            entry["n_rows"] = 30
        kept = held_out_tables(manifest, "regression", held_out_families(manifest))
        assert min(entry["n_rows"] for entry in kept) >= 60

    def test_too_few_tables(self):
        manifest = make_manifest(66)
        for entry in manifest[60:]:
            entry["n_rows"] = 30
        with pytest.raises(ValueError, match="has 30 classification tables of 60"):
            held_out_families(manifest, {"classification": 40, "regression": 16})
