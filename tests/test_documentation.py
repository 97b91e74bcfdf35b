"""README, citation and pages of the documentation agree with each other."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOC = ROOT / "doc"


def examples(text):
    """Statements and output of the doctests of a text."""
    return [(e.source, e.want) for e in doctest.DocTestParser().get_examples(text)]


def test_readme_begins_as_the_home_page():
    # The tests run the lines of the home page.
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```pycon\n(.*?)```", readme, flags=re.DOTALL)
    shown = [example for block in blocks for example in examples(block)]
    home = examples((DOC / "index.rst").read_text(encoding="utf-8"))
    assert len(shown) == 5 and shown == home[:5]


@pytest.mark.parametrize(
    "page",
    ["README.md", "CONTRIBUTING.md", "benchmarks/README.md", "doc/compliance.md"],
)
def test_local_links_exist(page):
    path = ROOT / page
    links = re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if "://" not in link]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_citation_names_the_package():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    fields = dict(re.findall(r"^([\w-]+): (.+)$", citation, flags=re.MULTILINE))
    assert fields["cff-version"] == "1.2.0" and "sklearn_meta" in fields["title"]
    license_ = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert fields["license"].startswith("BSD-3") and license_.startswith("BSD 3-Clause")
