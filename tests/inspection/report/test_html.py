"""All text is escaped, in elements and in attributes."""

from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_meta.inspection.report._html import (
    Markup,
    bar,
    definitions,
    details,
    escape,
    figure,
    items,
    join,
    paragraph,
    section,
    table,
    tag,
)


class _Reader(HTMLParser):
    """Elements, attributes and text of a page."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.elements, self.attributes, self.text = [], [], []

    def handle_starttag(self, name, attributes):
        self.elements.append(name)
        self.attributes += attributes

    def handle_data(self, data):
        self.text.append(data)


def read(page):
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader


@given(st.text())
def test_text_stays_text(text):
    reader = read(tag("p", text))
    assert reader.elements == ["p"]
    shown = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
    assert "".join(reader.text) == shown


@given(st.text(alphabet=st.characters(blacklist_characters="\x00\r")))
def test_values_of_attributes_stay_values(text):
    reader = read(tag("a", "x", title=text))
    assert reader.elements == ["a"]
    assert reader.attributes == [("title", text)]


def test_markup_is_not_escaped_again():
    inner = tag("b", "<")
    assert tag("p", inner, "<") == "<p><b>&lt;</b>&lt;</p>"
    assert isinstance(inner, Markup)
    assert escape(inner) is inner


def test_markup_that_is_changed_is_text_again():
    assert not isinstance(Markup("<b>") + "x", Markup)
    assert join([Markup("<b>") + "x"]) == "&lt;b&gt;x"


@pytest.mark.parametrize(
    "make",
    [
        lambda t: section("id", t, t),
        lambda t: paragraph(t),
        lambda t: items([t, t]),
        lambda t: table((t, t), [(t, t)], numbers={1}, caption=t),
        lambda t: details(t, t),
        lambda t: definitions([(t, t)]),
        lambda t: figure("<svg/>", t, t),
        lambda t: bar(0.5, t),
    ],
)
def test_every_part_escapes(make):
    page = make("<script>")
    assert "script" not in read(page).elements
    assert "&lt;script&gt;" in page
    assert "<script>" in unescape(page)


def test_attributes():
    assert tag("td", 1, class_="n", aria_hidden="true", id=None) == (
        '<td class="n" aria-hidden="true">1</td>'
    )
    assert tag("br") == "<br>"


def test_figures_are_images_of_the_page_itself():
    (data,) = (v for k, v in read(figure("<svg/>", "a", "b")).attributes if k == "src")
    assert data == "data:image/svg+xml;base64,PHN2Zy8+"
    assert figure(None, "a", "b") == ""


@pytest.mark.parametrize(("share", "width"), [(-1, "0.0"), (0.5, "50.0"), (7, "100.0")])
def test_bars_stay_within_their_place(share, width):
    assert f"width:{width}%" in bar(share, "x")
