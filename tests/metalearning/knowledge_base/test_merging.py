"""Merging is commutative, associative and idempotent."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._merging import (
    merged_datasets,
    merged_evaluations,
)
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError
from tests.metalearning.knowledge import dataset, evaluation, failure, same

numbers = st.sampled_from([math.nan, 0.1, 0.2])
metrics = st.dictionaries(
    st.sampled_from(["accuracy", "r2"]), st.tuples(st.sampled_from([0.5, 0.6]), numbers)
)
tried = st.one_of(
    st.builds(
        evaluation,
        scores=metrics,
        fit_seconds=numbers,
        predict_seconds=numbers,
        n_rows=st.sampled_from([100, 200]),
    ),
    st.builds(
        failure,
        status=st.sampled_from(["timeout", "failed"]),
        fit_seconds=numbers,
        n_rows=st.sampled_from([100, 200]),
    ),
)


def canonical(evaluations):
    return sorted(
        repr((sorted(e.scores.items()), e.status, e.fit_seconds, e.predict_seconds))
        for e in evaluations
    )


@given(st.lists(tried, min_size=3, max_size=3))
def test_evaluations_do_not_depend_on_the_order(evaluations):
    results = []
    for a, b, c in itertools.permutations([[e] for e in evaluations]):
        results.append(merged_evaluations(merged_evaluations(a, b), c))
        results.append(merged_evaluations(a, merged_evaluations(b, c)))
        results.append(merged_evaluations(results[-1], b))
    assert all(canonical(r) == canonical(results[0]) for r in results)
    assert len(results[0]) == 1


features = st.dictionaries(st.sampled_from("abc"), numbers)
described = st.builds(
    lambda values, n, source: (dataset(metafeatures=values, n_samples=n), source),
    features,
    st.sampled_from([99, 100]),
    st.sampled_from(["here", "there"]),
)


@given(st.lists(described, min_size=3, max_size=3))
def test_descriptions_do_not_depend_on_the_order(descriptions):
    results = []
    for a, b, c in itertools.permutations(descriptions):
        record, source = merged_datasets(merged_datasets(a, b), c)
        results.append(
            repr((sorted(record.metafeatures.items()), record.n_samples, source))
        )
    assert len(set(results)) == 1


def test_the_description_with_more_metafeatures_is_kept():
    few = dataset(metafeatures={"a": 1.0, "b": math.nan}, n_samples=999), ""
    many = dataset(metafeatures={"a": 1.0, "b": 2.0}), ""
    assert merged_datasets(few, many) is many


def nodes(folder):
    """Files of three machines that have fitted some of the same tables."""
    files = [KnowledgeBase(folder / f"node{i}.sqlite") for i in range(3)]
    for i, file in enumerate(files):
        file.add(
            dataset("shared"),
            [
                evaluation("lda(X)", scores={"accuracy": (0.8 + i / 100, 0.01)}),
                evaluation("svc(X)", n_rows=100 + i) if i else failure("svc(X)"),
                evaluation("qda(X)", scores={f"metric{i}": (0.5, 0.1)}),
            ],
            source=f"node{i}",
        )
        file.add(dataset(f"own{i}"), [evaluation()])
    return files


def content(knowledge_base):
    return sorted(
        (d.name, repr(d), source, sorted((e.pipeline, canonical([e])) for e in known))
        for d, known, source in knowledge_base._records()
    )


def test_files_of_nodes_in_any_order_and_twice(tmp_path):
    files = nodes(tmp_path)
    results = []
    for number, order in enumerate(itertools.permutations(files)):
        team = KnowledgeBase(tmp_path / f"team{number}.sqlite")
        for file in order:
            team.merge(file)
        once = team.records()
        for file in order:
            team.merge(file)
        assert same(team.records(), once)
        results.append(content(team))
    assert all(result == results[0] for result in results)
    # Of two teams as well, one of which has seen one node only.
    other = KnowledgeBase(tmp_path / "other.sqlite")
    other.merge(files[2])
    other.merge(KnowledgeBase(tmp_path / "team0.sqlite"))
    assert content(other) == results[0]
    ((_, shared),) = [r for r in team.records() if r[0].name == "shared"]
    by_text = {e.pipeline: e for e in shared}
    # One table, not three; of equal standard errors, the smaller score.
    assert [d.name for d, _ in team.records()].count("shared") == 1
    assert by_text["lda(X)"].scores["accuracy"] == (0.8, 0.01)
    assert by_text["svc(X)"].n_rows == 102
    assert set(by_text["qda(X)"].scores) == {"metric0", "metric1", "metric2"}


def test_a_bad_file_is_named_and_changes_nothing(tmp_path):
    team, *others = nodes(tmp_path)
    before = team.records()
    bad = tmp_path / "node9.sqlite"
    content = others[0]._file.read_bytes()
    bad.write_bytes(content[: len(content) // 2])
    with pytest.raises(KnowledgeBaseError, match=r"node9\.sqlite"):
        team.merge(bad)
    assert same(team.records(), before)
    team.merge(others[0])
    assert len(team.records()) == 3
