"""The public names, and that estimators do not depend on meta-training."""

from pathlib import Path

import sklearn_meta.maml


def test_all_public_names_are_there():
    for name in sklearn_meta.maml.__all__:
        assert getattr(sklearn_meta.maml, name).__name__ == name


def test_estimators_do_not_import_meta_training():
    modules = list(Path(sklearn_meta.maml.__file__).parent.glob("*.py"))
    assert len(modules) > 10
    for module in modules:
        text = module.read_text(encoding="utf-8")
        assert "from sklearn_meta.maml.training" not in text, module.name
        assert "import sklearn_meta.maml.training" not in text, module.name
