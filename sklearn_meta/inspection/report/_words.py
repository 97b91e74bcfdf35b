"""Section "Words": what the terms of the report mean."""

from __future__ import annotations

from sklearn_meta.inspection.report._html import definitions, section

# Terms, what they mean, and the texts by which it is known that they are used.
TERMS = (
    (
        "honest score",
        "Estimate of the score on new rows. The best of many pipelines is partly "
        "the luckiest one, so that its cross-validated score is optimistic. The "
        "honest score repeats the choice on rows drawn with replacement and "
        "scores it on the rows that were not drawn (bootstrap bias-corrected "
        "cross-validation, Tsamardinos et al., 2018).",
    ),
    (
        "best score",
        "Mean cross-validated score of the best single pipeline, in best_score_.",
    ),
    (
        "95 % interval",
        "Range that would hold the true score in 95 of 100 such experiments, if "
        "new rows are like those of fit.",
    ),
    (
        "constant guess",
        "A model that predicts the same for every row: the shares of the classes, "
        "or the mean of the target. A model that is no better has learned "
        "nothing.",
    ),
    (
        "cross-validation",
        "The rows are divided into folds; each fold is predicted by a pipeline "
        "that was fitted on the others.",
    ),
    (
        "holdout part",
        "Rows that are kept from the fits, on which pipelines are compared, in "
        "place of folds.",
    ),
    (
        "out-of-fold",
        "Predicted by models that were not fitted on the row, as in cross-validation.",
    ),
    (
        "log loss",
        "Mean of −ln p, where p is the probability that the model gave to the "
        "true class. 0 is perfect; confident mistakes cost most.",
    ),
    (
        "RMSE",
        "Root mean squared error: the typical size of an error in the unit of the "
        "target, where large errors count for more.",
    ),
    (
        "MAE",
        "Mean absolute error, in the unit of the target.",
    ),
    (
        "median error",
        "Half of the absolute errors are smaller.",
    ),
    (
        "R²",
        "Share of the variance of the target that the predictions explain. 1 is "
        "perfect, 0 is as good as the mean.",
    ),
    (
        "ROC curve",
        "For every threshold on the probability: the share of the rows of a class "
        "that is found against the share of other rows that is selected. The area "
        "under it is the probability that a row of the class gets a higher "
        "probability than another row; 0.5 is chance.",
    ),
    (
        "recall",
        "Of the rows of a class, the share that is predicted as it.",
    ),
    (
        "precision",
        "Of the rows that are predicted as a class, the share that belongs to it.",
    ),
    (
        "calibration",
        "Whether events that get a probability of 70 % occur in 70 % of the rows.",
    ),
    (
        "confusion",
        "How often rows of one class are predicted as another.",
    ),
    (
        "permutation importance",
        "How much worse the score is when the cells of one column are shuffled "
        "among the rows.",
    ),
    (
        "pipeline",
        "Steps of preparation and a learner, fitted together; written as one line "
        "of text.",
    ),
    (
        "member",
        "A pipeline of the final model. Its share is its weight in the combination.",
    ),
    (
        "stack",
        "Combination whose weights are fitted to out-of-fold predictions; the "
        "weights need not sum to one.",
    ),
    (
        "evaluation",
        "One pipeline, fitted and scored on the folds, or given up earlier.",
    ),
    (
        "recall of pipelines",
        "Pipelines that were best on similar known tables are evaluated first.",
    ),
    (
        "distance",
        "Of a known table: 0 has equal meta-features, 1 shares no leaf of the "
        "forest that compares tables.",
    ),
    (
        "meta-features",
        "Numbers that describe a table, such as rows, columns, and how numbers "
        "are spread.",
    ),
    (
        "levels",
        "Number of different values of a column.",
    ),
    (
        "tuned decision",
        "A threshold on the probability, or offsets of the classes, chosen for "
        "the metric on out-of-fold predictions.",
    ),
)


def render(facts, body) -> str:
    """Return the section as HTML, with the terms that the other sections use.

    Parameters
    ----------
    facts : Facts
    body : str
        The other sections.
    """
    text = body.lower()
    hints = {
        "recall": "(recall)",
        "recall of pipelines": "most similar to this one",
        "tuned decision": "tuned",
        "levels": ">levels<",
        "distance": ">distance<",
        "meta-features": "most similar to this one",
        "stack": "a stack of",
    }
    used = [
        (term, meaning)
        for term, meaning in TERMS
        if hints.get(term, term).lower() in text
    ]
    return section("words", "Words", definitions(used))
