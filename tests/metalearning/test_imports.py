"""The package can be used without a search: it imports nothing above itself."""

import ast
from pathlib import Path

import sklearn_meta.metalearning

FOLDER = Path(sklearn_meta.metalearning.__file__).parent
# Of evaluation, the records and the metrics of stored predictions.
ALLOWED = (
    "sklearn_meta._threads",
    "sklearn_meta.data.",
    "sklearn_meta.evaluation._records",
    "sklearn_meta.evaluation._scoring",
    "sklearn_meta.exceptions",
    "sklearn_meta.metalearning",
    "sklearn_meta.pipelines.",
    "sklearn_meta.timing.",
)


def test_nothing_of_search_or_ensemble_is_imported():
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and "sklearn_meta" in node.module:
                assert node.module.startswith(ALLOWED), f"{path.name}: {node.module}"
