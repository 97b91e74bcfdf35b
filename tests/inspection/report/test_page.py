"""The whole page: its sections, what it forbids, what it does not hold; in Chromium."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from sklearn_meta.inspection.report import _figures, _page
from tests.contract.small import classifier
from tests.inspection.report.conftest import HOSTILE

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)

# What a page that loads and runs nothing is made of.
ELEMENTS = set(
    "html head meta title style body header main nav h1 h2 section p ul li a strong "
    "div span table caption thead tbody tr th td figure img figcaption details summary "
    "pre code dl dt dd".split()
)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.open, self.text = [], [], [], []
        self.ids, self.links = [], []

    def handle_starttag(self, name, attributes):
        self.elements.append(name)
        if name not in ("meta", "img", "br"):
            self.open.append(name)
        for key, value in attributes:
            self.attributes.append((name, key, value))

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture
def report(case):
    return case.report


def test_sections_are_in_order(report):
    ids = [v for _, k, v in read(report.html).attributes if k == "id"]
    assert ids == [identifier for identifier, _ in _page.TITLES]
    titles = re.findall(r"<h2>(.*?)</h2>", report.html)
    assert titles == [title for _, title in _page.TITLES]


def test_nothing_can_be_loaded_or_run(report):
    reader = read(report.html)
    assert set(reader.elements) <= ELEMENTS
    for name, key, value in reader.attributes:
        assert not key.startswith("on")
        assert key != "src" or value.startswith("data:image/svg+xml;base64,")
        assert key != "href" or (name == "a" and value.startswith("#"))
    policies = [v for _, k, v in reader.attributes if k == "content"]
    assert policies[0] == _page.POLICY
    assert policies[0].startswith("default-src 'none'")
    # Before anything that it is to forbid.
    assert report.html.index("Content-Security-Policy") < report.html.index("<style")
    style = report.html[report.html.index("<style>") : report.html.index("</style>")]
    assert "url(" not in style and "@import" not in style


def test_links_lead_to_sections(report):
    reader = read(report.html)
    ids = {v for _, k, v in reader.attributes if k == "id"}
    links = [v.removeprefix("#") for _, k, v in reader.attributes if k == "href"]
    assert set(links) == ids


def test_the_page_is_small(report):
    assert 10_000 < len(report.html.encode()) < 400_000


def test_hostile_names_are_text(cases):
    case = cases["hostile"]
    reader = read(case.report.html)
    assert set(reader.elements) <= ELEMENTS
    text = "".join(reader.text)
    for name in HOSTILE[:4]:
        assert name[:10] in text
    assert "<h1>target</h1>" in text
    assert "\x00" not in text and "\u202e" not in text


def test_no_cell_of_the_table_is_in_the_page():
    rng = np.random.default_rng(0)
    n = 60
    towns = rng.choice(["secret-town", "other-town"], size=n)
    frame = pd.DataFrame(
        {
            "town": towns,
            "kind": pd.Categorical(rng.choice(["secret-kind", "open"], size=n)),
            "paid": [f"{i}.17 €" for i in rng.integers(700_000, 800_000, size=n)],
            "day": [f"19{i:02d}-03-04" for i in rng.integers(10, 99, size=n)],
            "note": [f"secret words number {i} of many" for i in range(n)],
            "key": [f"SECRET{i:03d}KEY" for i in range(n)],
            "size": rng.normal(size=n) + 987_654_321,
        }
    )
    y = np.where(towns == "secret-town", "yes", "no")
    with pytest.warns(UserWarning, match="left out"):
        model = classifier().fit(frame, y)
    page = model.report(None, frame[:20], y[:20]).html
    images = re.compile(r"base64,[A-Za-z0-9+/=]+")
    text = images.sub("", page).lower()
    for cell in ("secret", "other-town", ".17 €", "-03-04", "98765432", "7654 321"):
        assert cell not in text
    assert "town" in text and "paid" in text
    # The whole source has levels.
    assert "secret-town" in model.to_source()


def test_without_matplotlib_there_are_no_figures(cases, monkeypatch):
    monkeypatch.setattr(_figures, "find_spec", lambda name: None)
    case = cases["classes"]
    page = case.model.report(None, case.X, case.y).html
    assert "img" not in read(page).elements
    assert "sklearn-meta[plot]" in page


def run_chromium(tmp_path, page, *arguments):
    """Open a page in headless Chromium; return what it writes and its messages."""
    command = [
        CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--enable-logging=stderr",
        f"--user-data-dir={tmp_path / 'profile'}", *arguments, page.as_uri(),
    ]  # fmt: skip
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("name", ["hostile", "number"])
def test_chromium_shows_the_page(cases, tmp_path, name):
    case = cases[name]
    page = tmp_path / "report.html"
    case.report.save(page)
    shot = tmp_path / "shot.png"
    dom, messages = run_chromium(tmp_path, page, "--dump-dom", "--window-size=400,3000")
    for identifier, title in _page.TITLES:
        assert f'<section id="{identifier}"><h2>{title}</h2>' in dom
    # As Chromium has understood it.
    assert set(read(dom).elements) <= ELEMENTS
    _, drawn = run_chromium(
        tmp_path, page, f"--screenshot={shot}", "--window-size=400,3000"
    )
    for said in (messages, drawn):
        assert "CONSOLE" not in said and "Refused to" not in said
    check_is_drawn(shot)


def check_is_drawn(shot):
    """Check that a picture is not blank and holds the colors of the figures."""
    from matplotlib.image import imread

    pixels = np.round(255 * imread(shot)[..., :3]).astype(int)
    assert pixels.shape[:2] == (3000, 400)
    dark = (pixels.max(axis=2) < 80).mean(axis=1)
    # Text over most of the page, and within its width.
    assert (dark > 0).mean() > 0.2
    blue = (pixels[..., 2] - pixels[..., 0] > 60).sum()
    assert blue > 1_000
