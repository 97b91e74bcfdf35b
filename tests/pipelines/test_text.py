import inspect
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.exceptions import (
    PipelineSyntaxError,
)
from sklearn_meta.pipelines._text import canonical, format_tree, parse
from sklearn_meta.pipelines._tree import Node, X
from sklearn_meta.pipelines._typing_rules import check_tree
from tests.pipelines.small_catalog import small_catalog

TASKS = ("classification", "regression")
CATALOGS = {task: small_catalog(task) for task in TASKS}


def read(text, task="classification"):
    return parse(text, catalog=CATALOGS[task])


# -- trees with every freedom of the grammar, written down without the search ---------


def _params(operator):
    return st.fixed_dictionaries(
        {},
        optional={
            h.name: st.integers(0, 2**32 - 1).map(
                lambda seed, h=h: h.sample(np.random.default_rng(seed))
            )
            for h in operator.hyperparameters
        },
    ).map(lambda params: tuple(params.items()))


def _apply(kind, task, inputs):
    return st.sampled_from(CATALOGS[task].select(kind)).flatmap(
        lambda operator: st.builds(
            lambda node, params: Node(operator.name, (node,), params),
            inputs,
            _params(operator),
        )
    )


def trees(task):
    """Legal trees for a task, with hyperparameters in any order and at defaults."""
    tables = st.recursive(
        st.just(X), lambda t: _apply("preparation", task, t), max_leaves=3
    )
    features = st.recursive(
        tables,
        lambda f: (
            _apply("transformer", task, f)
            | st.lists(f, min_size=2, max_size=3).map(lambda b: Node("union", tuple(b)))
        ),
        max_leaves=4,
    )
    learners = _apply("learner", task, features)
    return st.recursive(
        learners,
        lambda e: (
            _apply("wrapper", task, e)
            | st.lists(e, min_size=2, max_size=3)
            .map(lambda b: Node("stack", tuple(b)))
            .flatmap(lambda stack: _apply("learner", task, st.just(stack)))
        ),
        max_leaves=4,
    )


tasks_and_trees = st.sampled_from(TASKS).flatmap(
    lambda task: st.tuples(st.just(task), trees(task))
)


@given(tasks_and_trees)
def test_parsing_the_text_of_a_canonical_tree_gives_the_tree(task_and_tree):
    task, tree = task_and_tree
    tree = canonical(tree, catalog=CATALOGS[task])
    text = format_tree(tree)
    assert parse(text, catalog=CATALOGS[task]) == tree
    assert format_tree(parse(text, catalog=CATALOGS[task])) == text


@given(tasks_and_trees)
def test_any_text_of_a_tree_parses_to_its_canonical_form(task_and_tree):
    task, tree = task_and_tree
    expected = canonical(tree, catalog=CATALOGS[task])
    assert parse(format_tree(tree), catalog=CATALOGS[task]) == expected
    assert canonical(expected, catalog=CATALOGS[task]) == expected
    check_tree(expected, catalog=CATALOGS[task])


@given(st.text(max_size=60) | st.from_regex(r"[a-zX_(),=.*'\d \n]{0,60}"))
def test_no_text_raises_anything_but_a_syntax_error(text):
    try:
        tree = read(text)
    except PipelineSyntaxError as error:
        assert 0 <= error.offset <= len(text)
        assert error.text == text
    else:
        check_tree(tree, catalog=CATALOGS["classification"])


@given(tasks_and_trees, st.data())
def test_a_damaged_text_raises_nothing_but_a_syntax_error(task_and_tree, data):
    task, tree = task_and_tree
    text = format_tree(tree)
    start = data.draw(st.integers(0, len(text) - 1))
    length = data.draw(st.integers(0, 4))
    new = data.draw(st.text(alphabet="X(),=.-*' \n1eé", max_size=3))
    damaged = text[:start] + new + text[start + length :]
    try:
        parse(damaged, catalog=CATALOGS[task])
    except PipelineSyntaxError as error:
        assert 0 <= error.offset <= len(damaged)


# -- canonical form -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("logistic( X )", "logistic(X)"),
        ("  logistic(\n    X,\n    C=2,\n)\n", "logistic(X, C=2.0)"),
        ("logistic(X, C=1)", "logistic(X)"),
        ("logistic(X, class_weight=None)", "logistic(X)"),
        (
            "logistic(X, class_weight='balanced', C=1e-4)",
            "logistic(X, C=0.0001, class_weight='balanced')",
        ),
        (
            'logistic(X, class_weight="balanced")',
            "logistic(X, class_weight='balanced')",
        ),
        ("tree(X, min_impurity_decrease=-0.0)", "tree(X)"),
        (
            "tree(union(union(X, standard(X)), pca(X)))",
            "tree(union(X, standard(X), pca(X)))",
        ),
        (
            "tree(union(X, standard(union(X, pca(X)))))",
            "tree(union(X, standard(union(X, pca(X)))))",
        ),
    ],
)
def test_different_ways_to_write_a_pipeline_have_one_text(text, expected):
    assert format_tree(read(text)) == expected


def test_numbers_keep_their_full_precision():
    tree = read("logistic(X, C=0.1234567890123456)")
    assert tree.param("C") == 0.1234567890123456
    assert read(format_tree(tree)) == tree


def test_the_order_of_branches_is_kept():
    # Columns come out in this order, and some learners depend on it.
    assert read("tree(union(X, pca(X)))") != read("tree(union(pca(X), X))")


# -- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "at", "message"),
    [
        ("", "", "The pipeline is empty"),
        ("   ", "   ", "The pipeline is empty"),
        ("tree(X", "(X", "was never closed"),
        ("tree(X))", ")", "unmatched"),
        ("tree(C=1, X)", ")", "positional argument follows keyword"),
        ("logistc(X)", "logistc", "Did you mean 'logistic'"),
        ("tree(standrd(X))", "standrd", "Did you mean 'standard'"),
        ("tree(Y)", "Y", "Unknown operator 'Y'"),
        ("ridge(X)", "ridge", "exists for regression only, not for classification"),
        ("tree(pca)", "pca", r"must be applied to an input, as in pca\(X\)"),
        ("X(X)", "X(X)", "cannot be called"),
        ("X", "X", "must end in a learner"),
        ("pca(X)", "pca", "must end in a learner"),
        ("stack(tree(X), tree(X))", "stack", "must end in a learner"),
        ("tree()", "tree", "takes one input.* Got 0"),
        ("tree(X, X)", "tree", "takes one input.* Got 2"),
        ("tree(union(X))", "union", "at least two inputs. Got 1"),
        ("tree(stack(tree(X)))", "stack", "at least two inputs. Got 1"),
        ("tree(tree(X))", "tree(X))", r"tree \(learner\) takes X, features.* Got tree"),
        ("tree(impute(pca(X)))", "pca", "impute.* takes X or another preparation"),
        ("calibrated(X)", "X", "takes an estimator.* Got X"),
        ("tree(union(X, tree(X)))", "tree(X))", "union takes X or features"),
        ("tree(stack(X, tree(X)))", "X, ", "stack takes estimators"),
        (
            "tree(pca(stack(tree(X), tree(X))))",
            "stack",
            "must be the direct input of a learner, not of pca",
        ),
        ("tree(X, max_depth=99)", "99", r"must be an int in \[1, 30\] or None. Got 99"),
        ("tree(X, max_depth=3.0)", "3.0", "must be an int"),
        ("tree(X, max_depth=True)", "True", "must be an int"),
        ("logistic(X, C=1e999)", "1e999", "must be a float"),
        ("logistic(X, C='a')", "'a'", "must be a float"),
        ("logistic(X, class_weight='x')", "'x'", "must be one of"),
        ("pca(X, whiten=1)", "1", "must be one of"),
        ("tree(X, depth=2)", "depth", "tree has no hyperparameter 'depth'"),
        ("tree(X, max_dept=2)", "max_dept", "Did you mean 'max_depth'"),
        ("naive_bayes(X, a=2)", "a=2", "has no hyperparameters"),
        ("tree(union(X, X, a=1))", "a=1", "union has no hyperparameters"),
        ("tree(X, max_depth=1, max_depth=2)", "max_depth=2", "given twice"),
        ("tree(*X)", "*X", "unpacked"),
        ("tree(X, **p)", "**p", "unpacked"),
        ("os.system(X)", "os", "plain name of an operator. Got an attribute access"),
        ("tree(X.T)", "X.T", "Got an attribute access"),
        ("tree(X)(X)", "tree", "plain name of an operator. Got a call"),
        ("tree(X) + 1", "tree", r"Got tree\(X\) \+ 1 instead"),
        ("[tree(X)]", "[", "Expected X or a call"),
        ("lambda: tree(X)", "lambda", "Expected X or a call"),
        ("tree(X, 5)", "5", "hyperparameters are written name=value"),
        ("tree(X, max_depth=1 + 1)", "1 + 1", "must be a number.* Got 1 \\+ 1"),
        ("tree(X, max_depth=-None)", "-None", "must be a number"),
        ("tree(X, max_depth=+1)", "+1", "must be a number"),
        ("tree(X, max_depth=n)", "n", "must be a number"),
        ("tree(X, max_depth=f'{1}')", "f'", "must be a number"),
        ("logistic(X, class_weight=b'balanced')", "b'", "must be a number"),
        ("tree(X, max_depth=0xFFFFFFFFFFFFFFFFF)", "0x", "too large"),
        ("  tree(\n  X,\n\n   mäx_depth=1, é=2)", "mäx", "Did you mean 'max_depth'"),
        ("tree(\r\n X,\r max_depth=99)", "99", "must be an int"),
        ("tree(X, max_depth=1\0)", None, "null bytes"),
    ],
)
def test_a_bad_text_gets_an_error_that_points_at_the_place(text, at, message):
    with pytest.raises(PipelineSyntaxError, match=message) as info:
        read(text)
    if at is not None:
        found = text[info.value.offset :]
        # The last such part of the text is meant where it occurs more than once.
        assert found.startswith(at) or text.rstrip() == ""
    lines = str(info.value).splitlines()
    assert lines[-1].strip() == "^"


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000,
        "tree(X, max_depth=" + "-" * 9000 + "1)",
        "1" + "+1" * 4000,
        "X" + ".a" * 4000,
        "standard(" * 90 + "X" + ")" * 90,
        "a" * 1_000_000,
        "tree(X, max_depth=" + "9" * 9000 + ")",
        "tree(X, max_depth=0x" + "f" * 9000 + ")",
    ],
)
def test_hostile_texts_are_refused(text):
    with pytest.raises(PipelineSyntaxError) as info:
        read(text)
    assert len(str(info.value)) < 25_000


def test_a_nested_text_far_down_a_stack():
    nested = "tree(" + "standard(" * 60 + "X" + ")" * 61

    def at(depth):
        return read(nested) if depth == 0 else at(depth - 1)

    assert at(10).size == 61
    with pytest.raises(PipelineSyntaxError, match="nested too deeply"):
        at(sys.getrecursionlimit() - len(inspect.stack(0)) - 120)


def test_nothing_is_evaluated(tmp_path):
    target = tmp_path / "touched"
    with pytest.raises(PipelineSyntaxError):
        read(f"tree(X, max_depth=open({str(target)!r}, 'w'))")
    assert not target.exists()


def test_the_error_survives_pickling():
    with pytest.raises(PipelineSyntaxError) as info:
        read("logistc(X)")
    copy = pickle.loads(pickle.dumps(info.value))
    assert str(copy) == str(info.value)
    assert (copy.text, copy.offset) == ("logistc(X)", 0)


def test_a_text_must_be_a_string():
    with pytest.raises(TypeError, match="must be a str. Got bytes"):
        read(b"tree(X)")
