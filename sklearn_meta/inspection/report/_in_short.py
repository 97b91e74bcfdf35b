"""Section "In short": what to expect of the model, in sentences."""

from __future__ import annotations

import math

from sklearn_meta.inspection.report._html import items, section
from sklearn_meta.inspection.report._metric import (
    a,
    count,
    fixed,
    listed,
    number,
    percent,
    seconds,
    short,
)

# Share of the way from the guess to perfect predictions below which a model is hardly
# better than a guess.
HARDLY_BETTER = 0.02


def sentences(facts) -> tuple[str, ...]:
    """Return what to expect of the model, as plain text.

    Parameters
    ----------
    facts : Facts
        Without summary; the things to watch out for are counted.

    Returns
    -------
    sentences : tuple of str
    """
    found = [_what(facts), *_expected(facts), *_in_other_words(facts), _model(facts)]
    n = len(facts.watches)
    if n:
        found.append(f"There {'is' if n == 1 else 'are'} {count(n, 'thing')} to watch "
                     "out for, see below.")  # fmt: skip
    return tuple(found)


def render(facts):
    """Return the section as HTML."""
    return section("in-short", "In short", items(facts.summary))


def with_interval(value, interval, shown) -> str:
    """Return a score with its interval, if it has one."""
    low, high = sorted(map(shown, interval))
    # Where no row is wrong, the bootstrap has no interval.
    if not math.isfinite(low) or not math.isfinite(high) or low == high:
        return number(shown(value))
    return f"{number(shown(value))} (95 % interval {number(low)} to {number(high)})"


def expected_score(scores):
    """Return the score to expect on new rows, its interval, and where it is from."""
    if math.isfinite(scores.honest):
        return scores.honest, scores.interval, "honest"
    if scores.test is not None and math.isfinite(scores.test.score):
        return scores.test.score, scores.test.interval, "test"
    return scores.best, (math.nan, math.nan), "best"


def _what(facts):
    """Say what is predicted, and from what."""
    record = facts.record
    names = [f"“{short(name)}”" for name in record.target_names]
    if record.task == "classes":
        of = listed((short(c, 24) for c in facts.classes), 6)
        target = f"one of {count(len(facts.classes), 'class', 'classes')} ({of})"
        target = f"{names[0]}, {target}" if len(names) == 1 else target
    elif record.task == "labels":
        target = f"{count(len(facts.targets), 'label')} of each row"
    else:
        n = len(facts.targets)
        target = listed(names, 4) if names else "a number" if n == 1 else f"{n} numbers"
    return (
        f"The model predicts {target}. It was fitted on {count(record.n_rows, 'row')} "
        f"and {count(record.n_columns, 'column')}."
    )


def _expected(facts):
    """Say which score to expect, beside that of a guess and of the held-back rows."""
    scores, metric = facts.scores, facts.scores.metric
    value, interval, source = expected_score(scores)
    found = []
    if not math.isfinite(value):
        found.append(
            f"How good it is on new rows is not known: {_why_unknown(facts)}. Pass "
            "X_test and y_test to measure it."
        )
    elif source != "test":
        text = with_interval(value, interval, metric.shown)
        start = (
            f"On new rows like these, expect {a(metric.words)} of {text}; "
            f"{metric.direction}."
            if source == "honest"
            else f"In cross-validation, the best pipeline has {a(metric.words)} of "
            f"{text}; {metric.direction}. As the best of several, it is a little "
            "optimistic."
        )
        found.append(f"{start} {_beside(facts, value)}".strip())
    if scores.test is not None and math.isfinite(scores.test.score):
        test = scores.test
        text = with_interval(test.score, test.interval, metric.shown)
        beside = ""
        if source == "test":
            beside = f"; {metric.direction}. {_beside(facts, value, test.constant)}"
        elif math.isfinite(test.constant):
            beside = f"; a constant guess has {number(metric.shown(test.constant))}."
        found.append(
            f"On the {count(test.n_rows, 'row')} of X_test, the {metric.words} is "
            f"{text}{beside or '.'}".strip()
        )
    return found


def _why_unknown(facts):
    """Say why there is no score."""
    if not facts.search.is_search:
        return "there was no search, so no pipeline was cross-validated"
    if facts.inside.kind == "constant":
        return "no pipeline was finished"
    return facts.scores.note or "the metric is undefined on the validation parts"


def _beside(facts, value, constant=None):
    """Compare a score with that of a constant guess."""
    scores, metric = facts.scores, facts.scores.metric
    constant = scores.constant if constant is None else constant
    if not math.isfinite(constant):
        return ""
    guess = {
        "classes": "Predicting the same shares of the classes for every row",
        "labels": "Predicting the same share of each label for every row",
        "numbers": "Predicting the same number for every row",
    }[facts.record.task]
    text = f"{guess} has {number(metric.shown(constant))}"
    gain = metric.gain(value, constant)
    if not math.isfinite(gain):
        return f"{text}."
    if gain < HARDLY_BETTER:
        better = "hardly better" if gain > 0 else "no better"
        return f"{text}: the model is {better} than that."
    if metric.is_loss:
        return f"{text}: the model removes {percent(gain)} of that."
    return f"{text}: the model goes {percent(gain)} of the way from that to perfect."


def _in_other_words(facts):
    """Say how often the class is right, or how large the errors are."""
    quality = facts.quality
    if quality is None:
        return []
    where = (
        "On rows that the predicting models had not seen"
        if quality.rows == "out-of-fold"
        else "On the rows of X_test"
    )
    if quality.of_classes is not None:
        of = quality.of_classes
        return [
            f"{where}, the predicted class is right for {percent(of.accuracy)} of "
            "the rows; always predicting the most frequent class is right for "
            f"{percent(of.accuracy_of_guess)}."
        ]
    if quality.of_labels:
        mean = sum(label.accuracy for label in quality.of_labels)
        guess = sum(max(label.share, 1 - label.share) for label in quality.of_labels)
        n = len(quality.of_labels)
        return [
            f"{where}, {percent(mean / n)} of the labels are right; always predicting "
            f"the more frequent value of each is right for {percent(guess / n)}."
        ]
    if len(quality.of_numbers) == 1:
        (of,) = quality.of_numbers
        return [
            f"{where}, half of the predictions are off by less than "
            f"{number(of.median_error)}, and R² is {fixed(of.r2)}: the model "
            f"explains {percent(max(of.r2, 0.0))} of the variance of the target, whose "
            f"standard deviation is {number(of.spread)}."
        ]
    parts = [f"{short(of.name)} {fixed(of.r2)}" for of in quality.of_numbers]
    return [f"{where}, the shares of variance explained (R²) are: {listed(parts)}."]


def _model(facts):
    """Say what the model is, and how it was found."""
    search, inside = facts.search, facts.inside
    learners = dict.fromkeys(member.learner for member in inside.members)
    words = inside.words
    if inside.kind != "constant":
        words = f"{words} ({listed(learners, 4)})"
    took = seconds(search.seconds)
    if not search.is_search:
        return f"It is {words}, recommended without a search; fit took {took}."
    tried = count(search.n_evaluations, "evaluated pipeline")
    return (
        f"It is {words}, from {tried}. fit took {took}; the search ended: "
        f"{search.stop_reason}."
    )
