"""A history is stored in few bytes, and is the same when it comes back."""

import json
import zlib
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_meta.evaluation._history_storage import (
    SECONDS_DECIMALS,
    compress_history,
    expand_history,
    without_arrays,
)
from sklearn_meta.evaluation._records import (
    Candidate,
    Evaluation,
    FoldResult,
    Status,
)
from sklearn_meta.pipelines._tree import X
from tests.evaluation.records import evaluation

SCORES = st.one_of(
    st.floats(allow_nan=False), st.floats(-1, 1).map(np.float64), st.just(np.float32(1))
)
SECONDS = st.one_of(st.floats(0, 1e6), st.floats(0, 1e3).map(np.float64))
TEXTS = st.text(max_size=5)
ROUNDS = st.one_of(st.none(), st.integers(1, 9999), st.just(np.int64(7)))


@st.composite
def results(draw, first=0):
    return tuple(
        FoldResult(
            stage,
            draw(SCORES),
            np.zeros(2),
            draw(SECONDS),
            draw(SECONDS),
            draw(ROUNDS),
            b"model",
            pooled_score=draw(st.one_of(st.none(), st.floats(-1, 1))),
        )
        for stage in range(first, first + draw(st.integers(0, 3)))
    )


@st.composite
def evaluations(draw):
    screening = draw(results())[:1]
    return Evaluation(
        draw(st.integers(0, 10**6)),
        Candidate(X, draw(TEXTS), draw(TEXTS), 3.0),
        draw(st.sampled_from(Status)),
        draw(results(len(screening))),
        screening,
        draw(TEXTS),
        draw(SECONDS),
        draw(st.one_of(st.none(), SECONDS)),
    )


@settings(max_examples=25)
@given(st.lists(evaluations(), max_size=3))
def test_round_trip(history):
    light = [without_arrays(e) for e in history]
    restored = expand_history(compress_history(light))
    assert restored == tuple(
        # What a candidate was expected to take is of no use any more.
        replace(e, candidate=replace(e.candidate, expected_seconds=None))
        for e in light
    )
    assert all(isinstance(e.status, Status) for e in restored)
    for e, original in zip(restored, history, strict=True):
        assert e.score == original.score or np.isnan(original.score)


@settings(max_examples=25)
@given(evaluations())
def test_only_arrays_models_and_the_tree_are_left_out(original):
    light = without_arrays(original)
    assert light.candidate.tree is None
    pairs = zip(
        (*light.folds, *light.screening),
        (*original.folds, *original.screening),
        strict=True,
    )
    for ours, theirs in pairs:
        assert ours.predictions is None and ours.model is None
        assert (ours.stage, ours.score) == (theirs.stage, theirs.score)
        assert ours.iterations == theirs.iterations
        assert type(ours.score) is float and type(ours.fit_seconds) is float
        assert ours.fit_seconds == round(float(theirs.fit_seconds), SECONDS_DECIMALS)
    assert light.scores == original.scores
    assert (light.number, light.status, light.reason) == (
        original.number,
        original.status,
        original.reason,
    )


def test_it_is_json_and_takes_few_bytes():
    rng = np.random.default_rng(0)
    history = [
        without_arrays(evaluation(i, rng.random(5), seconds=rng.random()))
        for i in range(100)
    ]
    data = compress_history(history)
    assert len(json.loads(zlib.decompress(data))) == 100
    assert len(data) < 100 * 120


def test_an_empty_history():
    assert expand_history(compress_history([])) == ()
