"""Errors and warnings of the package."""

__all__ = [
    "CheckpointError",
    "CheckpointMismatchError",
    "InvalidHyperparameterError",
    "InvalidPipelineError",
    "NoCandidateError",
    "OutOfFoldError",
    "PipelineSyntaxError",
    "SearchInterruptedWarning",
    "SklearnMetaError",
    "SklearnMetaWarning",
    "UsageLimitWarning",
]


class SklearnMetaError(Exception):
    """Base class of the errors of the package."""


class InvalidPipelineError(SklearnMetaError, ValueError):
    """Error for a pipeline tree that violates the catalog or the typing rules."""


class InvalidHyperparameterError(InvalidPipelineError):
    """Error for the value of a hyperparameter that is outside its range."""


class PipelineSyntaxError(InvalidPipelineError):
    """Error for a pipeline text that cannot be parsed.

    The message shows the line of the text with a marker at the invalid part.

    Parameters
    ----------
    message : str
        Description of the error.
    text : str
        The whole pipeline text.
    offset : int
        Index in `text` of the first character of the invalid part.
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
    """Error if no candidate could be fitted."""


class OutOfFoldError(SklearnMetaError, ValueError):
    """Error if there are no out-of-fold predictions, or too few for what is asked."""


class CheckpointError(SklearnMetaError, ValueError):
    """Error for a checkpoint that cannot be used.

    Its file cannot be written, is damaged, is not a checkpoint, or is in use by another
    fit.
    """


class CheckpointMismatchError(CheckpointError):
    """Error for a checkpoint of another table, or of other settings.

    Parameters
    ----------
    message : str
        What differs, and the way out.
    differences : sequence of str
        Parameters and arguments of ``fit`` that differ: ``"X"``, ``"scoring"``.
    """

    def __init__(self, message, differences):
        self.differences = tuple(differences)
        super().__init__(message)

    def __reduce__(self):
        return type(self), (str(self), self.differences)


class SklearnMetaWarning(UserWarning):
    """Base class of the warnings of the package."""


class SearchInterruptedWarning(SklearnMetaWarning):
    """Warning that the search was interrupted.

    The final model combines the candidates that were evaluated by then.
    """


class UsageLimitWarning(SklearnMetaWarning):
    """Warning that no model was found that keeps the limits of its use.

    The final model is the one that exceeds them least.
    """
