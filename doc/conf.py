"""Configuration of sphinx. Builds need no network connection."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_extensions")]

from numpydoc.xref import DEFAULT_LINKS  # noqa: E402

import sklearn_meta  # noqa: E402

# Into glossaries of Python and numpy, which are not among the inventories below.
DEFAULT_LINKS.clear()

project = "sklearn_meta"
author = "sklearn_meta developers"
copyright = "2026, sklearn_meta developers"
release = sklearn_meta.__version__

extensions = [
    "home_report",
    "mathml",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]

exclude_patterns = [
    "_build",
    # The tables of comparison.md are parts of that page.
    "comparison/*.md",
]
templates_path = ["_templates"]
# Words in single backticks of docstrings: a link if they name an object, else code.
default_role = "py:obj"

# Members have no pages of their own: they are on the page of their class.
autosummary_generate = True
autodoc_default_options = {
    "members": True,
    # Those of our own base classes, not of these.
    "inherited-members": "BaseEstimator, ClassifierMixin, RegressorMixin, "
    "TransformerMixin, CallbackSupportMixin, _MetadataRequester, _SetOutputMixin, "
    "BaseException, Enum, str, tuple",
    # Written by scikit-learn for each method that takes metadata.
    "exclude-members": "set_fit_request, set_partial_fit_request, set_score_request",
}
numpydoc_show_class_members = False
# Types of parameters are links where they name a public class of the package, or one of
# these.
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"
numpydoc_xref_aliases = {
    "DataFrame": "pandas.DataFrame",
    "RandomState": "numpy.random.RandomState",
    "ndarray": "numpy.ndarray",
    "sklearn.pipeline.Pipeline": "sklearn.pipeline.Pipeline",
} | {
    name: f"sklearn_meta.{package}.{name}"
    for package in ("ensemble", "evaluation", "metalearning", "pipelines", "search")
    for name in import_module(f"sklearn_meta.{package}").__all__
    if name[0].isupper()
}

# Copies of the few entries that are used, so that builds need no connection. Where an
# entry is missing, the name is shown without a link.
intersphinx_mapping = {
    name: (url, f"_inventories/{name}.inv")
    for name, url in {
        "joblib": "https://joblib.readthedocs.io/en/stable/",
        "numpy": "https://numpy.org/doc/stable/",
        "pandas": "https://pandas.pydata.org/docs/",
        "sklearn": "https://scikit-learn.org/stable/",
    }.items()
}

# A role that names nothing of this package is an error. Not: words in single backticks,
# annotations, private classes, and what is missing from the inventories.
nitpicky = True
nitpick_ignore_regex = [
    ("py:obj", ".*"),
    ("py:class", r"collections\.abc\..*|tuple\[.*|sklearn_meta\..*\._.*"),
    ("py:.*", r"(?!sklearn_meta)\w+\..*"),
]

# Prompts and output are not copied.
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

# Figures of the page on displays, beside their code.
plot_include_source = True
plot_html_show_source_link = plot_html_show_formats = False
plot_formats = [("png", 100)]

myst_heading_anchors = 3

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_meta"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "navbar_persistent": ["search-button"],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
}
# Pages that have no others below or beside them.
html_sidebars = {
    page: [] for page in ("index", "install", "ten_minutes", "changes", "glossary")
}

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [
        "../examples/kinds_of_tables",
        "../examples/decisions",
        "../examples/few_rows",
        "../examples/knowledge_and_machines",
    ],
    "backreferences_dir": "generated/backreferences",
    "doc_module": ("sklearn_meta",),
    "reference_url": {"sklearn_meta": None},
    "show_memory": False,
    "abort_on_example_error": True,
    "show_signature": False,
    # Its page loads scripts from other servers.
    "write_computation_times": False,
}
if find_spec("distributed") is None:
    # Shown, but not run.
    sphinx_gallery_conf["filename_pattern"] = r"/plot_(?!cluster)"
