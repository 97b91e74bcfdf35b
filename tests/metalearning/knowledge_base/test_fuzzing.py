"""Changed files and texts give finite results or errors that say what is wrong."""

import pytest

from tests.metalearning.knowledge_base.fuzzing import (
    SHIPPED,
    fuzz_files,
    fuzz_texts,
    peak_mebibytes,
    small_copy,
)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzzing") / "small.sqlite"
    small_copy(path)
    return path


# Seconds of a thread, for the uses of one file; they take 0.5 s at most where nothing
# else runs.
LONGEST = 2.0


def test_changed_texts(global_random_seed):
    counts, problems, longest = fuzz_texts(500, global_random_seed, 60)
    assert not problems
    assert longest < LONGEST
    assert counts["refused"] > 250 and counts["read"] > 5


def test_changed_files(small, global_random_seed):
    counts, problems, longest = fuzz_files(24, global_random_seed, 60, small)
    assert not problems
    assert longest < LONGEST
    assert counts["files"] == 24


@pytest.mark.slow
@pytest.mark.parametrize("source", ["small", "shipped"])
def test_many_changed_files(small, source, global_random_seed):
    # The whole study is a command, see the module.
    before = peak_mebibytes()
    _, problems, longest = fuzz_files(
        10_000, global_random_seed, 8, small if source == "small" else SHIPPED
    )
    assert not problems
    assert longest < LONGEST
    assert peak_mebibytes() - before < 500
