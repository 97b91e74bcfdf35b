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

# Packages whose files and imports are not looked at yet.
SKIPPED = {"building", "maml", "metalearning", "mlp"}

# Modules without a test file of their own, and where they are tested.
WITHOUT_TESTS = {
    "data/_task_names.py": "constants",
    "parallel/_worker_process.py": "the other end of test_process_pool.py",
    "pipelines/_coercions.py": "test_compile.py",
    "pipelines/_hyperparameters.py": "test_operators.py and test_text.py",
    "pipelines/_layout.py": "test_compile.py",
    "pipelines/_schema.py": "a record; data/test_encoding.py",
    "pipelines/_tree.py": "test_text.py",
    "pipelines/_typing_rules.py": "test_text.py and search/test_variation.py",
    "pipelines/catalog/_learners.py": "catalog/test_default.py",
    "pipelines/catalog/_parts.py": "catalog/test_default.py",
    "pipelines/catalog/_preparation.py": "catalog/test_default.py",
    "pipelines/catalog/_transformers.py": "catalog/test_default.py",
    "testing/_check.py": "test_parametrize.py",
    "testing/_search_runs.py": "test_strategy_checks.py",
    "testing/_tables.py": "test_operator_checks.py and test_meta_feature_checks.py",
}

# Private modules at the root: what every package uses.
ROOT_MODULES = {"_sklearn_compat", "_threads", "_warnings"}

# A package imports its own layer and those before it.
LAYERS = (
    {"exceptions", *ROOT_MODULES},
    {"data", "pipelines"},
    {"timing", "evaluation", "metalearning", "parallel"},
    {"search", "ensemble", "inspection", "building", "mlp", "maml", "testing"},
    {"automl", "cli"},
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

# Imports that break the rules today.
EXCEPTIONS = {
    ("pipelines/_compile.py", "timing"): (
        "EARLY_STOPPING_ROUNDS: the rounds that early stopping is expected to take"
    ),
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
    return "automl" if rest[0] in sklearn_meta._PUBLIC else rest[0]


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
        and part_of(path) not in SKIPPED
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
        if part_of(Path(path)) not in SKIPPED
        and layer(part) > layer(part_of(Path(path)))
    }
    assert wrong == set(EXCEPTIONS)


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
        if name not in SKIPPED and (path, part) not in EXCEPTIONS:
            graph[name].add(part)
    for name, other in MUTUAL:
        assert other in graph[name] and name in graph[other]
        graph[name].discard(other)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"packages import each other: {error.args[1]}")
