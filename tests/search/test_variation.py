from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.data._loss import Loss
from sklearn_meta.pipelines import SearchSpace
from sklearn_meta.pipelines._operators import Operator
from sklearn_meta.pipelines._text import canonical, format_tree, parse
from sklearn_meta.pipelines._tree import STACK, UNION
from sklearn_meta.pipelines._typing_rules import check_tree
from sklearn_meta.pipelines.catalog._losses import loss_operators
from sklearn_meta.search._crossover import crossover
from sklearn_meta.search._mutation import MUTATIONS, mutate
from sklearn_meta.search._random_trees import random_tree
from sklearn_meta.search._simplification import simplify
from sklearn_meta.search._tree_paths import family
from sklearn_meta.search._vocabulary import make_vocabulary
from tests.pipelines.small_catalog import LOGISTIC, NAIVE_BAYES, PCA, TREES
from tests.search.problems import FixedSpace, SmallSpace, small_problem

TASKS = ("classification", "regression")
seeds = st.integers(0, 2**32 - 1)


def vocabulary_of(task="classification", max_size=6, **changes):
    problem = small_problem(task, space=SmallSpace(max_size=max_size), **changes)
    return make_vocabulary(problem)


VOCABULARIES = {
    (task, max_size): vocabulary_of(task, max_size)
    for task in TASKS
    for max_size in (1, 2, 3, 4, 6, 9)
}
vocabularies = st.sampled_from(sorted(VOCABULARIES)).map(VOCABULARIES.__getitem__)


def read(text, task="classification"):
    catalog = VOCABULARIES[task, 6].catalog
    return parse(text, catalog=catalog)


def assert_sensible(tree, vocabulary):
    """Legal, canonical, within the size, without the oddities that variation avoids."""
    catalog = vocabulary.catalog
    check_tree(tree, catalog=catalog)
    assert canonical(tree, catalog=catalog) == tree
    assert parse(format_tree(tree), catalog=catalog) == tree
    assert tree.size <= vocabulary.max_size

    stacks = [path for path, node in tree.walk() if node.operator == STACK]
    assert len(stacks) <= 1
    for path in stacks:
        # Everything above the stack but the last learner is a wrapper.
        kinds = [vocabulary.kind(tree.at(path[:i])) for i in range(len(path))]
        assert kinds == ["wrapper"] * (len(kinds) - 1) + ["learner"]
    for _, node in tree.walk():
        if node.operator in (UNION, STACK):
            assert len(set(node.inputs)) == len(node.inputs) >= 2
        for child in node.inputs:
            if vocabulary.kind(node) != "learner":
                assert child.operator != node.operator


@given(vocabularies, seeds)
def test_random_trees_are_legal(vocabulary, seed):
    tree = random_tree(np.random.default_rng(seed), vocabulary)
    assert_sensible(tree, vocabulary)


@given(vocabularies, seeds)
def test_mutants_are_legal_and_different_and_leave_their_parent_alone(vocabulary, seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, vocabulary)
    for _ in range(8):
        text = format_tree(tree)
        result = mutate(tree, rng, vocabulary)
        assert format_tree(tree) == text
        if result is None:
            assert vocabulary.max_size == 1
            continue
        new, description = result
        assert new != tree
        assert description
        assert_sensible(new, vocabulary)
        tree = new


@given(vocabularies, seeds)
def test_each_change_alone_keeps_trees_legal(vocabulary, seed):
    rng = np.random.default_rng(seed)
    tree = random_tree(rng, vocabulary)
    for _, change in MUTATIONS:
        result = change(tree, rng, vocabulary)
        if result is not None:
            check_tree(result[0], catalog=vocabulary.catalog)
            assert result[0].size <= vocabulary.max_size


@given(vocabularies, seeds)
def test_children_of_two_are_legal_and_new(vocabulary, seed):
    rng = np.random.default_rng(seed)
    first, second = (random_tree(rng, vocabulary) for _ in range(2))
    for _ in range(4):
        child = crossover(first, second, rng, vocabulary)
        if child is None:
            continue
        assert child not in (first, second)
        assert_sensible(child, vocabulary)
        first, second = child, first


@given(vocabularies, seeds)
def test_variation_depends_on_nothing_but_its_arguments(vocabulary, seed):
    def lineage():
        rng = np.random.default_rng(seed)
        first, second = (random_tree(rng, vocabulary) for _ in range(2))
        return (
            first,
            mutate(first, rng, vocabulary),
            crossover(first, second, rng, vocabulary),
        )

    assert lineage() == lineage()


@given(vocabularies, seeds)
def test_a_child_of_two_is_made_of_their_operators(vocabulary, seed):
    rng = np.random.default_rng(seed)
    first, second = (random_tree(rng, vocabulary) for _ in range(2))
    child = crossover(first, second, rng, vocabulary)
    if child is not None:
        operators = {n.operator for t in (first, second) for _, n in t.walk()}
        assert {n.operator for _, n in child.walk()} <= operators


def test_equal_parents_may_have_no_child():
    vocabulary = VOCABULARIES["classification", 6]
    tree = read("naive_bayes(X)")
    assert crossover(tree, tree, np.random.default_rng(0), vocabulary) is None


def test_parents_with_the_same_learner_mix_its_hyperparameters():
    vocabulary = VOCABULARIES["classification", 1]
    first = read("tree(X, max_depth=3, min_samples_leaf=5)")
    second = read("tree(X, max_depth=8, min_samples_leaf=20)")
    children = [
        crossover(first, second, np.random.default_rng(seed), vocabulary)
        for seed in range(30)
    ]
    assert {format_tree(child) for child in children if child is not None} == {
        "tree(X, max_depth=3, min_samples_leaf=20)",
        "tree(X, max_depth=8, min_samples_leaf=5)",
    }


def test_features_cross_over_below_another_learner():
    vocabulary = VOCABULARIES["classification", 6]
    first = read("tree(X, max_depth=3)")
    second = read("naive_bayes(pca(X, n_components=0.5))")
    children = {
        format_tree(crossover(first, second, np.random.default_rng(seed), vocabulary))
        for seed in range(30)
    }
    assert children == {
        "tree(pca(X, n_components=0.5), max_depth=3)",
        "naive_bayes(X)",
    }


# -- what can be reached --------------------------------------------------------------


def test_random_trees_have_all_forms():
    vocabulary = VOCABULARIES["classification", 9]
    rng = np.random.default_rng(0)
    trees = [random_tree(rng, vocabulary) for _ in range(3000)]
    names = Counter(name for t in trees for name in {n.operator for _, n in t.walk()})
    known = {o.name for o in vocabulary.catalog}
    assert set(names) == known | {"X", UNION, STACK}
    # Short pipelines are the most frequent, and are not all.
    sizes = Counter(t.size for t in trees)
    assert sizes[1] + sizes[2] > 0.4 * len(trees)
    assert max(sizes) >= 7


def test_every_change_happens():
    vocabulary = VOCABULARIES["classification", 9]
    rng = np.random.default_rng(0)
    seen = Counter()
    for _ in range(300):
        tree = random_tree(rng, vocabulary)
        for _, change in MUTATIONS:
            result = change(tree, rng, vocabulary)
            seen[change.__name__] += result is not None and result[0] != tree
    assert set(seen) == {change.__name__ for _, change in MUTATIONS}
    assert min(seen.values()) > 0


def test_the_shares_of_changes_sum_to_one():
    assert sum(share for share, _ in MUTATIONS) == pytest.approx(1)


def test_most_mutations_move_hyperparameters_of_learners():
    vocabulary = VOCABULARIES["classification", 6]
    tree = read("logistic(union(pca(standard(impute(X))), X), C=2.0)")
    rng = np.random.default_rng(0)
    same_but_params = swapped = 0
    for _ in range(2000):
        new, _ = mutate(tree, rng, vocabulary)
        swapped += new.operator not in ("logistic", "calibrated")
        same_but_params += new.operator == "logistic" and new.inputs == tree.inputs
    assert 0.48 < same_but_params / 2000 < 0.6
    assert 0.15 < swapped / 2000 < 0.25


def test_mutations_lead_from_any_tree_to_any_operator():
    vocabulary = VOCABULARIES["regression", 6]
    rng = np.random.default_rng(1)
    tree = read("ridge(X)", "regression")
    seen = set()
    for _ in range(3000):
        tree, _ = mutate(tree, rng, vocabulary)
        seen |= {n.operator for _, n in tree.walk()}
    operators = tuple(vocabulary.catalog)
    assert seen == {o.name for o in operators} | {"X", UNION, STACK}


def test_a_perturbation_stays_near_on_its_scale():
    vocabulary = make_vocabulary(
        small_problem(space=FixedSpace((LOGISTIC,), max_size=1))
    )
    tree = read("logistic(X, C=0.01)")
    rng = np.random.default_rng(0)
    steps = []
    for _ in range(1000):
        new, description = mutate(tree, rng, vocabulary)
        if new.param("C", 1.0) not in (0.01, 1.0):
            steps.append(np.log10(new.param("C") / 0.01))
            assert f"C 0.01 -> {new.param('C')!r}" in description
    # C lives on eight orders of magnitude; one step has a standard deviation of 15 %.
    assert len(steps) > 300
    assert np.mean(np.abs(steps) < 2.4) > 0.9
    assert abs(np.mean(steps)) < 0.3


def test_a_tree_without_anything_to_change_has_no_mutant():
    vocabulary = make_vocabulary(
        small_problem(space=FixedSpace((NAIVE_BAYES,), max_size=1))
    )
    tree = read("naive_bayes(X)")
    assert mutate(tree, np.random.default_rng(0), vocabulary) is None


# -- the table ------------------------------------------------------------------------


@pytest.mark.parametrize("has_categories", [False, True])
@pytest.mark.parametrize("has_missing", [False, True])
def test_only_useful_preparations_are_drawn(has_categories, has_missing):
    vocabulary = vocabulary_of(has_categories=has_categories, has_missing=has_missing)
    names = {o.name for o in vocabulary.preparations.operators}
    expected = {"one_hot"} if has_categories else set()
    assert names == expected | ({"impute"} if has_missing else set())


def test_operators_are_drawn_uniformly():
    vocabulary = vocabulary_of()
    rng = np.random.default_rng(0)
    drawn = Counter(vocabulary.learners.draw(rng).name for _ in range(5000))
    for name in ("tree", "logistic", "naive_bayes"):
        assert drawn[name] / 5000 == pytest.approx(1 / 3, abs=0.03)


def test_dense_operators_are_drawn_less_often_on_sparse_tables():
    vocabulary = vocabulary_of(is_sparse=True)
    weights = dict(
        zip(
            [o.name for o in vocabulary.learners.operators],
            vocabulary.learners.weights,
            strict=True,
        )
    )
    assert weights["logistic"] == pytest.approx(5 * weights["naive_bayes"])


def test_an_excluded_operator_is_not_drawn():
    vocabulary = VOCABULARIES["classification", 6]
    rng = np.random.default_rng(0)
    for _ in range(50):
        operator = vocabulary.learners.draw(rng, exclude=("tree", "logistic"))
        assert operator == NAIVE_BAYES
    everything = ("tree", "logistic", "naive_bayes")
    assert vocabulary.learners.draw(rng, exclude=everything) is None


# -- helpers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tree(union(X, X))", "tree(X)"),
        ("tree(union(X, pca(X), X))", "tree(union(X, pca(X)))"),
        ("tree(standard(standard(X)))", "tree(standard(X))"),
        ("tree(pca(pca(X, whiten=True)))", "tree(pca(X))"),
        ("tree(stack(tree(X), tree(X)))", "tree(X)"),
        (
            "logistic(stack(tree(X), naive_bayes(union(X, X)), tree(X)))",
            "logistic(stack(tree(X), naive_bayes(X)))",
        ),
        ("tree(pca(standard(X)))", "tree(pca(standard(X)))"),
    ],
)
def test_simplify_removes_what_does_nothing(text, expected):
    vocabulary = VOCABULARIES["classification", 9]
    assert format_tree(simplify(read(text), vocabulary)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tree(X)", "tree"),
        ("calibrated(tree(pca(X)))", "tree"),
        ("logistic(stack(tree(X), naive_bayes(X)))", "stack"),
    ],
)
def test_the_family_of_a_tree_is_its_last_learner(text, expected):
    assert family(read(text), VOCABULARIES["classification", 6]) == expected


def test_a_space_of_one_transformer_gives_no_repetition():
    vocabulary = make_vocabulary(small_problem(space=FixedSpace((TREES[0], PCA))))
    rng = np.random.default_rng(0)
    for _ in range(300):
        assert_sensible(random_tree(rng, vocabulary), vocabulary)


def test_baselines_are_drawn_only_where_there_is_nothing_else():
    dummy = Operator("dummy", "learner", "sklearn.dummy.DummyClassifier")
    for others, expected in (((NAIVE_BAYES,), NAIVE_BAYES), ((), dummy)):
        space = FixedSpace((dummy, *others))
        vocabulary = make_vocabulary(small_problem(space=space))
        assert vocabulary.learners.operators == (expected,)


def test_one_vs_rest_needs_more_than_two_classes():
    wrapper = Operator(
        "one_vs_rest", "wrapper", "sklearn.multiclass.OneVsRestClassifier"
    )
    space = FixedSpace((NAIVE_BAYES, wrapper))
    for n_classes, expected in ((2, ()), (3, (wrapper,))):
        problem = small_problem(space=space, n_classes=n_classes)
        assert make_vocabulary(problem).wrappers.operators == expected


def test_what_is_left_out_is_not_drawn():
    names = {o.name for o in vocabulary_of().learners.operators}
    left = vocabulary_of(left_out=frozenset({"tree", "pca"}))
    assert {o.name for o in left.learners.operators} == names - {"tree"} != names
    assert "pca" not in {o.name for o in left.transformers.operators}


def test_learners_of_a_loss_are_drawn_as_often_as_all_others():
    for loss, kind in [
        (Loss("quantile", level=0.9), "learners"),
        (Loss("squared_log"), "wrappers"),
    ]:
        catalog = SearchSpace().catalog("regression", loss)
        problem = small_problem("regression", space=FixedSpace(tuple(catalog)))
        drawn = getattr(make_vocabulary(problem), kind)
        of_loss = {o.name for o in loss_operators(loss)}
        weights = {
            o.name: w for o, w in zip(drawn.operators, drawn.weights, strict=True)
        }
        assert sum(weights[name] for name in of_loss) == pytest.approx(0.5)
        assert len({round(w, 6) for o, w in weights.items() if o not in of_loss}) == 1
