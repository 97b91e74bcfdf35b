"""The glossary has the words of the page, and no others."""

from sklearn_meta.inspection.report._words import TERMS, render


def terms_of(page):
    return [term for term, _ in TERMS if f"<dt>{term}</dt>" in page]


def test_words_of_the_page_are_explained(cases):
    classes = terms_of(cases["classes"].report.html)
    assert {"log loss", "recall", "precision", "out-of-fold", "pipeline"} <= set(
        classes
    )
    assert "RMSE" not in classes
    number = terms_of(cases["number"].report.html)
    assert {"RMSE", "R²", "MAE"} <= set(number)
    assert "precision" not in number


def test_nothing_is_explained_that_is_not_there():
    assert terms_of(render(None, "The log loss is small.")) == ["log loss"]


def test_each_term_is_explained_once():
    terms = [term for term, _ in TERMS]
    assert len(set(terms)) == len(terms)
    assert all(meaning.endswith(".") for _, meaning in TERMS)
