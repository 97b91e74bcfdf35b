"""Portfolio for tables with text, which are evaluated before what is recalled.

No dataset of the knowledge base has text. Linear models on TF-IDF weights of words and
of characters are hard to beat on short texts [1]_; trees get latent components, beside
the other columns.

References
----------
.. [1] S. Wang, C. D. Manning, "Baselines and bigrams: simple, good sentiment and topic
   classification", ACL 2012.
"""

from __future__ import annotations

from dataclasses import replace

from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.exceptions import PipelineSyntaxError
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.metalearning._reranking import FirstThen
from sklearn_meta.pipelines._operators import Catalog
from sklearn_meta.pipelines._text import format_tree, parse

# Of different learners first: without a search, the first ones are averaged. On the
# first 200 characters of 3 500 docstrings of nine packages, 800 of them for training,
# the log loss of the linear models and of naive Bayes is 0.90 to 0.98, that of words or
# characters alone 0.99 to 1.17, and that of trees on components 1.40 and more.
_TEXTS = {
    CLASSIFICATION: (
        "logistic_regression(tfidf(X), C=30.0)",
        "linear_svc(tfidf(X))",
        "lightgbm(text_svd(X), colsample_bytree=0.7, early_stopping=True,"
        " learning_rate=0.05, n_estimators=1000, num_leaves=15, subsample=0.8)",
        "complement_nb(tfidf(X), alpha=0.1)",
        "ridge(tfidf(X))",
        "extra_trees(text_svd(X), max_features=0.5, min_samples_leaf=2,"
        " n_estimators=200)",
        "logistic_regression(tfidf(X, tokens='words'), C=10.0)",
        "logistic_regression(tfidf(X, tokens='characters'), C=10.0)",
        "logistic_regression(tfidf(X), C=3.0)",
    ),
    REGRESSION: (
        "ridge(tfidf(X))",
        "lightgbm(text_svd(X), colsample_bytree=0.7, early_stopping=True,"
        " learning_rate=0.05, min_child_samples=10, n_estimators=1000, num_leaves=15,"
        " subsample=0.8)",
        "linear_svr(tfidf(X))",
        "extra_trees(text_svd(X), max_features=0.5, min_samples_leaf=2,"
        " n_estimators=200)",
        "ridge(tfidf(X, tokens='characters'))",
        "ridge(tfidf(X, tokens='words'))",
        "ridge(tfidf(X), alpha=10.0)",
    ),
}


def text_portfolio(catalog: Catalog) -> tuple[Proposal, ...]:
    """Return the portfolio for tables with text.

    Parameters
    ----------
    catalog : Catalog
        Operators that pipelines may use; pipelines with others are left out.

    Returns
    -------
    portfolio : tuple of Proposal
    """
    portfolio = []
    for text in _TEXTS[catalog.task]:
        try:
            tree = parse(text, catalog=catalog)
        except PipelineSyntaxError:
            continue  # a search space without one of the operators
        portfolio.append(Proposal(tree, origin="portfolio: text"))
    return tuple(portfolio)


def text_first(prior: Prior, dataset, catalog: Catalog) -> Prior:
    """Put the portfolio for text before that of a prior, on a table with text.

    Parameters
    ----------
    prior : Prior
    dataset : Dataset
    catalog : Catalog

    Returns
    -------
    prior : Prior
        The same object for a table without text.
    """
    if not dataset.schema.has_text:
        return prior
    first = text_portfolio(catalog)
    texts = frozenset(format_tree(proposal.tree) for proposal in first)
    rest = (p for p in prior.portfolio if format_tree(p.tree) not in texts)
    reranker = prior.reranker
    if reranker is not None:
        reranker = FirstThen(texts, reranker)
    return replace(prior, portfolio=(*first, *rest), reranker=reranker)
