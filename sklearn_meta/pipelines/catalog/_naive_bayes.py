"""Naive Bayes classifiers."""

from __future__ import annotations

from sklearn_meta.pipelines._hyperparameters import Choice, Float
from sklearn_meta.pipelines._operators import Cost
from sklearn_meta.pipelines.catalog._declarations import classifier

_BAYES = "sklearn.naive_bayes"

CLASSIFIERS = (
    classifier(
        "gaussian_nb",
        f"{_BAYES}.GaussianNB",
        Float("var_smoothing", 1e-10, 1.0, 1e-9, log=True),
        sample_weight=True,
        cost=Cost(0.001, rows=0.7, columns=0.5),
    ),
    classifier(
        "bernoulli_nb",
        f"{_BAYES}.BernoulliNB",
        Float("alpha", 1e-3, 100.0, 1.0, log=True),
        Choice("fit_prior", (False, True), True),
        accepts_sparse=True,
        text_as="tfidf",
        sample_weight=True,
        cost=Cost(0.0017, rows=0.6, columns=0.5),
    ),
    classifier(
        "multinomial_nb",
        f"{_BAYES}.MultinomialNB",
        Float("alpha", 1e-3, 100.0, 1.0, log=True),
        Choice("fit_prior", (False, True), True),
        accepts_sparse=True,
        text_as="tfidf",
        needs_nonnegative=True,
        sample_weight=True,
        cost=Cost(0.0014, rows=0.6, columns=0.3),
    ),
    classifier(
        "complement_nb",
        f"{_BAYES}.ComplementNB",
        Float("alpha", 1e-3, 100.0, 1.0, log=True),
        Choice("norm", (False, True), False),
        accepts_sparse=True,
        text_as="tfidf",
        needs_nonnegative=True,
        sample_weight=True,
        cost=Cost(0.0015, rows=0.6, columns=0.3),
    ),
)
