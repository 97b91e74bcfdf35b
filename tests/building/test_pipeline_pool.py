"""The shipped pool, and errors in a pool."""

import re

import pytest

from sklearn_meta.building._pipeline_pool import default_pool_files, read_pool
from sklearn_meta.pipelines import default_catalog, format_tree, parse
from tests.building.builds import CLASSIFICATION, REGRESSION


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
