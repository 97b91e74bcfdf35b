"""Configuration of sphinx."""

import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import sklearn_meta  # noqa: E402

project = "sklearn_meta"
author = "sklearn_meta developers"
copyright = "2026, sklearn_meta developers"
release = sklearn_meta.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_gallery.gen_gallery",
]

# Members have no pages of their own: they are on the page of their class.
autosummary_generate = True
numpydoc_show_class_members = False
autodoc_default_options = {
    "members": True,
    # Written by scikit-learn for each method that takes metadata.
    "exclude-members": "set_fit_request, set_partial_fit_request, set_score_request",
}

# The tables of comparison.md are parts of that page.
exclude_patterns = ["_build", "comparison/*.md"]
templates_path = ["_templates"]
html_theme = "alabaster"
html_theme_options = {"description": "AutoML that behaves like one estimator"}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_meta",),
    "reference_url": {"sklearn_meta": None},
    "show_memory": False,
    "abort_on_example_error": True,
}
if find_spec("distributed") is None:
    # Shown, but not run.
    sphinx_gallery_conf["filename_pattern"] = r"/plot_(?!cluster)"
