"""Errors and warnings of the package: one root for each."""

__all__ = [
    "InvalidHyperparameterError",
    "InvalidPipelineError",
    "NoCandidateError",
    "PipelineSyntaxError",
    "SearchInterruptedWarning",
    "SklearnMetaError",
    "SklearnMetaWarning",
]


class SklearnMetaError(Exception):
    """Root of the package's own errors."""


class InvalidPipelineError(SklearnMetaError, ValueError):
    """A pipeline tree that the catalog or the typing rules do not allow."""


class InvalidHyperparameterError(InvalidPipelineError):
    """A hyperparameter value outside its range."""


class PipelineSyntaxError(InvalidPipelineError):
    """A pipeline text that cannot be parsed; the message points at the place.

    Parameters
    ----------
    message : str
        What is wrong and what is expected.
    text : str
        The whole pipeline text.
    offset : int
        Index in `text` of the first character of the offending part.
    """

    def __init__(self, message, text, offset):
        self.message = message
        self.text = text
        self.offset = offset
        line_start = text.rfind("\n", 0, offset) + 1
        line = text[line_start:].split("\n", 1)[0]
        super().__init__(f"{message}\n  {line}\n  {' ' * (offset - line_start)}^")

    def __reduce__(self):
        return type(self), (self.message, self.text, self.offset)


class NoCandidateError(SklearnMetaError, ValueError):
    """No candidate could be fitted."""


class SklearnMetaWarning(UserWarning):
    """Root of the package's own warnings."""


class SearchInterruptedWarning(SklearnMetaWarning):
    """The search was interrupted; what had been found by then was kept."""
