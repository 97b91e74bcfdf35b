"""The tests mirror the package, and its packages import each other one way."""

import ast
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import sklearn_meta

PACKAGE = Path(sklearn_meta.__file__).parent
TESTS = Path(__file__).parent

# Modules without a test file of their own, and where they are tested.
WITHOUT_TESTS = {
    "data/_canonical_order.py": "test_dataset.py",
    "data/_column_access.py": "test_column_kinds.py",
    "data/_date_encoders.py": "test_column_encoders.py",
    "data/_task_names.py": "constants",
    "data/_transformer_specs.py": "test_column_encoders.py",
    "data/_validation.py": "test_encoding.py",
    "ensemble/_contenders.py": "test_choose_combination.py",
    "ensemble/_fallbacks.py": "test_final_model.py",
    "ensemble/_fold_scores.py": "test_choose_combination.py",
    "ensemble/_members.py": "test_final_model.py",
    "ensemble/_prefilter.py": "test_choose_combination.py",
    **{
        f"inspection/report/{name}.py": "test_page.py"
        for name in (
            "_facts",
            "_how_found",
            "_how_good",
            "_inside",
            "_what_it_looks_at",
        )
    },
    "ensemble/_source_definitions.py": "test_source.py",
    "metalearning/_fixed_portfolio.py": "test_default_pipelines.py",
    "metalearning/_neighbors.py": "test_knn.py",
    "metalearning/_prior.py": "records; test_knn.py",
    "metalearning/metafeatures/_simple.py": "test_metafeatures.py",
    "metalearning/metafeatures/_statistical.py": "test_metafeatures.py",
    "metalearning/metafeatures/_target.py": "test_metafeatures.py",
    "pipelines/_layout.py": "test_compile.py",
    "pipelines/_schema.py": "a record; data/test_encoding.py",
    **{
        f"pipelines/catalog/{name}.py": "declarations; catalog/test_default.py"
        for name in (
            "_boosting",
            "_clustering",
            "_declarations",
            "_discriminant_analysis",
            "_dummy",
            "_feature_selection",
            "_linear",
            "_naive_bayes",
            "_neighbors",
            "_preparation",
            "_scaling",
            "_svm",
            "_trees_and_forests",
        )
    },
    "search/_crossover.py": "test_variation.py",
    "search/_mutation.py": "test_variation.py",
    "search/_random_trees.py": "test_variation.py",
    "search/_run.py": "test_strategies.py",
    "search/_simplification.py": "test_variation.py",
    "search/_tree_encoding.py": "test_gaussian_process.py",
    "search/_tree_paths.py": "test_variation.py",
    "search/_vocabulary.py": "test_variation.py",
}

# Private modules at the root: what every package uses.
ROOT_MODULES = {"_cleanup", "_sklearn_compat", "_threads", "_warnings"}

# A package imports its own layer and those before it.
LAYERS = (
    {"exceptions", *ROOT_MODULES},
    {"data", "pipelines"},
    {"timing", "evaluation", "metalearning", "parallel"},
    {"search", "ensemble", "inspection", "building", "mlp", "maml", "testing"},
    {"automl", "cli", "__main__"},
)

# Where the layers allow what is to be kept apart.
FORBIDDEN = {
    "search": {"parallel", "ensemble"},
    "ensemble": {"search"},
    "parallel": {"data", "evaluation", "metalearning", "pipelines", "timing"},
    "timing": {"evaluation", "metalearning", "parallel"},
    "evaluation": {"metalearning"},
    "metalearning": {"parallel"},
}

# Packages that import each other today: the names of the tasks are in `data`, the
# layout of an encoded table and the description of its encoder in `pipelines`.
MUTUAL = {("pipelines", "data")}


def modules():
    """Paths of all modules, relative to the package."""
    return sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def part_of(path):
    """Name of the package, or module at the root, that a module belongs to."""
    return path.parts[0].removesuffix(".py")


def test_file_of(path):
    return path.with_name(f"test_{path.stem.removeprefix('_')}.py")


test_file_of.__test__ = False


def imported_parts(path):
    """Parts of the package that a module imports, anywhere in its code."""
    parts = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            parts |= {part for alias in node.names if (part := _part(alias.name))}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"a relative import in {path}"
            if node.module == "sklearn_meta":
                parts |= {_part(f"sklearn_meta.{alias.name}") for alias in node.names}
            elif part := _part(node.module):
                parts.add(part)
    return {part for part in parts if part != part_of(path)}


def _part(name):
    root, *rest = name.split(".")
    if root != "sklearn_meta" or not rest:
        return None
    # What the root exports comes from the module of the estimators.
    return "automl" if rest[0] in sklearn_meta._ESTIMATORS else rest[0]


def layer(part):
    for i, parts in enumerate(LAYERS):
        if part in parts:
            return i
    return None


@cache
def imports():
    """Pairs of a module and a part of the package that it imports."""
    return [
        (path.as_posix(), part)
        for path in modules()
        if path.name != "__init__.py" or len(path.parts) > 1
        for part in imported_parts(path)
        if layer(part) is not None
    ]


def test_every_module_has_a_test_file():
    missing = [
        path.as_posix()
        for path in modules()
        if path.stem not in ("__init__", "__main__")
        and path.as_posix() not in WITHOUT_TESTS
        and not (TESTS / test_file_of(path)).exists()
    ]
    assert not missing, f"without a test file: {missing}"


@pytest.mark.parametrize("path", WITHOUT_TESTS)
def test_modules_without_tests_exist_and_have_none(path):
    assert (PACKAGE / path).exists()
    assert not (TESTS / test_file_of(Path(path))).exists()


def test_private_modules_lie_in_packages():
    private = {p.stem for p in PACKAGE.glob("_*.py")} - {"__init__", "__main__"}
    assert private <= ROOT_MODULES


def test_every_part_has_its_layer():
    parts = {part_of(path) for path in modules()} - {"__init__"}
    assert {part for part in parts if layer(part) is None} == set()
    assert sum(map(len, LAYERS)) == len(set.union(*LAYERS))


def test_imports_point_one_way():
    wrong = {
        (path, part)
        for path, part in imports()
        if layer(part) > layer(part_of(Path(path)))
    }
    assert wrong == set()


def test_parts_that_are_kept_apart_do_not_import_each_other():
    wrong = {
        (path, part)
        for path, part in imports()
        if part in FORBIDDEN.get(part_of(Path(path)), ())
    }
    assert wrong == set()


@pytest.mark.parametrize("part", ["metalearning", "timing", "evaluation"])
def test_what_comes_before_the_search_does_not_know_it(part):
    wrong = {
        (path, other)
        for path, other in imports()
        if part_of(Path(path)) == part and other in ("search", "ensemble")
    }
    assert wrong == set()


def test_nothing_imports_the_estimators():
    wrong = [path for path, part in imports() if part == "automl"]
    assert [path for path in wrong if part_of(Path(path)) != "cli"] == []


def test_no_two_packages_import_each_other():
    graph = defaultdict(set)
    for path, part in imports():
        name = part_of(Path(path))
        graph[name].add(part)
    for name, other in MUTUAL:
        assert other in graph[name] and name in graph[other]
        graph[name].discard(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"packages import each other: {error.args[1]}")
