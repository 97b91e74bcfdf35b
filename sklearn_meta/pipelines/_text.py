"""Canonical text of pipeline trees: formatting and parsing.

The text is a Python expression of calls, names and constants::

    lightgbm(union(pca(X, n_components=0.5), X), learning_rate=0.05, num_leaves=31)

It is read with `ast.parse` and a walk over the syntax tree; it is never evaluated, so
that a text from a file or a database can do no harm. The same tree always has the same
text: defaults are left out, hyperparameters are sorted by name, directly nested unions
are one union. `parse` and `format_tree` are inverse on canonical trees.
"""

from __future__ import annotations

import ast
import re

from sklearn_meta.exceptions import InvalidHyperparameterError, PipelineSyntaxError
from sklearn_meta.pipelines._tree import INPUT, UNION, Node, X
from sklearn_meta.pipelines._typing_rules import (
    RESERVED,
    arity_error,
    check_tree,
    check_value,
    input_error,
    is_default,
    kind_of,
    root_error,
    unknown_operator,
)

# A pipeline is a line or two. The bound keeps hostile texts away from the recursion of
# Python's own parser.
MAX_LENGTH = 10_000

_MAX_INTEGER = 2**63

# A line as Python's parser counts it: str.splitlines splits at more characters.
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


def format_tree(tree):
    """Write a tree as text.

    Parameters
    ----------
    tree : Node
        Pipeline to write.

    Returns
    -------
    text : str
        The canonical text if the tree is canonical, see `canonical`.

    Examples
    --------
    >>> from sklearn_meta.pipelines._tree import Node, X
    >>> format_tree(Node("ridge", (Node("pca", (X,), (("n_components", 0.5),)),)))
    'ridge(pca(X, n_components=0.5))'
    """
    if tree.operator == INPUT:
        return INPUT
    arguments = [format_tree(node) for node in tree.inputs]
    arguments += [f"{name}={value!r}" for name, value in tree.params]
    return f"{tree.operator}({', '.join(arguments)})"


def canonical(tree, *, catalog):
    """Return the canonical form of a tree, equal for all spellings of a pipeline.

    Hyperparameters that equal their default are dropped, the others are sorted by name
    and have the type of their range (``1`` becomes ``1.0`` for a float), and a union
    directly inside a union is merged with it.

    Parameters
    ----------
    tree : Node
    catalog : Catalog

    Returns
    -------
    tree : Node

    Raises
    ------
    InvalidPipelineError
        If the tree is not legal, see `check_tree`.
    """
    check_tree(tree, catalog=catalog)
    return _canonical(tree, catalog=catalog)


def _canonical(node, *, catalog):
    inputs = [_canonical(i, catalog=catalog) for i in node.inputs]
    return canonical_node(node.operator, inputs, node.params, catalog)


def merged(branches):
    """Return the branches of a union, those of unions among them in their place.

    Parameters
    ----------
    branches : sequence of Node

    Returns
    -------
    branches : list of Node
    """
    return [b for i in branches for b in (i.inputs if i.operator == UNION else (i,))]


def canonical_node(name, inputs, params, catalog):
    """Build one canonical node.

    Parameters
    ----------
    name : str
        Name of an operator, ``"X"``, ``"union"`` or ``"stack"``.
    inputs : sequence of Node
        Canonical inputs of the right kinds; not checked.
    params : iterable of (str, value)
        Hyperparameters in any order.
    catalog : Catalog

    Returns
    -------
    node : Node

    Raises
    ------
    InvalidHyperparameterError
        If a hyperparameter is unknown or out of its range.
    """
    if name == INPUT:
        return X
    if name == UNION:
        inputs = merged(inputs)
    if name in RESERVED:
        return Node(name, tuple(inputs))
    operator = catalog.find(name)
    kept = []
    for param, value in sorted(params):
        value = check_value(operator, param, value)
        if not is_default(operator.hyperparameter(param), value):
            kept.append((param, value))
    return Node(name, tuple(inputs), tuple(kept))


def parse(text, *, catalog):
    """Parse a pipeline text, without evaluating anything.

    Parameters
    ----------
    text : str
        A pipeline such as ``"ridge(pca(X, n_components=0.5), alpha=2)"``. White space
        and line breaks between its parts do not matter.
    catalog : Catalog
        Operators that the text may use.

    Returns
    -------
    tree : Node
        A legal tree in canonical form: ``format_tree`` of it is the canonical text.

    Raises
    ------
    PipelineSyntaxError
        If the text is not a legal pipeline. The message points at the place.
    TypeError
        If `text` is not a str.

    Examples
    --------
    >>> from sklearn_meta.pipelines import default_catalog, format_tree, parse
    >>> catalog = default_catalog("regression")
    >>> tree = parse("ridge(pca(X), alpha=2)", catalog=catalog)
    >>> tree.inputs[0].operator
    'pca'
    >>> format_tree(tree)
    'ridge(pca(X), alpha=2.0)'
    """
    if not isinstance(text, str):
        raise TypeError(
            f"A pipeline text must be a str. Got {type(text).__name__} instead."
        )
    return _Parser(text, catalog).parse()


class _Parser:
    """Parser of one text, which locates errors in it."""

    def __init__(self, text, catalog):
        self.text = text
        self.catalog = catalog
        # Python's grammar refuses white space before an expression.
        self.source = text.strip()
        self.start = len(text) - len(text.lstrip())
        self.lines = _LINE.findall(self.source)

    def parse(self):
        if not self.source:
            raise PipelineSyntaxError(
                "The pipeline is empty. Expected a learner applied to X.", self.text, 0
            )
        if len(self.source) > MAX_LENGTH:
            raise PipelineSyntaxError(
                f"A pipeline has at most {MAX_LENGTH} characters. Got "
                f"{len(self.source)}.",
                self.text[: self.start + 80],
                self.start,
            )
        try:
            expression = ast.parse(self.source, mode="eval").body
        except SyntaxError as error:
            raise self._syntax_error(error) from None
        except (RecursionError, MemoryError):
            raise self._too_deep() from None
        except ValueError as error:  # null bytes, lone surrogates
            raise PipelineSyntaxError(
                f"Not an expression: {error}.", self.text, self.start
            ) from None
        try:
            tree, kind = self._node(expression)
        except RecursionError:
            raise self._too_deep() from None
        self._fail_if(root_error(tree.operator, kind), expression)
        return tree

    def _too_deep(self):
        return PipelineSyntaxError(
            "The expression is nested too deeply.", self.text, self.start
        )

    def _node(self, expression):
        """Read ``X`` or a call; return the node and its kind."""
        if isinstance(expression, ast.Name):
            if expression.id != INPUT:
                self._fail(self._bare_name(expression.id), expression)
            return X, INPUT
        if not isinstance(expression, ast.Call):
            self._fail(
                "Expected X or a call of an operator. Got "
                f"{self._excerpt(expression)} instead.",
                expression,
            )
        if not isinstance(expression.func, ast.Name):
            self._fail(
                "Expected the plain name of an operator. Got "
                f"{self._excerpt(expression.func)} instead.",
                expression.func,
            )
        name = expression.func.id
        kind = self._kind(name, expression.func)
        if kind == INPUT:
            self._fail(f"{INPUT} is the input table and cannot be called.", expression)
        inputs = [self._input(name, kind, argument) for argument in expression.args]
        self._fail_if(arity_error(name, kind, len(inputs)), expression)
        params = self._params(name, kind, expression.keywords)
        node = canonical_node(name, inputs, params, self.catalog)
        return node, kind

    def _input(self, name, kind, argument):
        if isinstance(argument, ast.Starred):
            self._fail("Arguments cannot be unpacked with '*'.", argument)
        if isinstance(argument, ast.Constant | ast.UnaryOp):
            self._fail(
                f"An input of {name} must be X or a call of an operator. "
                f"Got {self._excerpt(argument)} instead; hyperparameters are written "
                "name=value.",
                argument,
            )
        node, input_kind = self._node(argument)
        self._fail_if(input_error(name, kind, node.operator, input_kind), argument)
        return node

    def _params(self, name, kind, keywords):
        operator = self.catalog.find(name)
        params = {}
        for keyword in keywords:
            if keyword.arg is None:
                self._fail("Arguments cannot be unpacked with '**'.", keyword)
            if kind in RESERVED:
                self._fail(f"{name} has no hyperparameters.", keyword)
            if keyword.arg in params:
                self._fail(f"{keyword.arg} is given twice.", keyword)
            value = self._constant(keyword)
            try:
                params[keyword.arg] = check_value(operator, keyword.arg, value)
            except InvalidHyperparameterError as error:
                known = operator.hyperparameter(keyword.arg) is not None
                self._fail(str(error), keyword.value if known else keyword)
        return tuple(params.items())

    def _constant(self, keyword):
        value = keyword.value
        negative = isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub)
        inner = value.operand if negative else value
        if isinstance(inner, ast.Constant):
            constant = inner.value
            if type(constant) is int and constant >= _MAX_INTEGER:
                self._fail(f"The value of {keyword.arg} is too large.", value)
            if negative and type(constant) in (int, float):
                return -constant
            if not negative and type(constant) in (type(None), bool, int, float, str):
                return constant
        self._fail(
            f"The value of {keyword.arg} must be a number, a string, True, False or "
            f"None. Got {self._excerpt(value)} instead.",
            value,
        )

    def _kind(self, name, where):
        kind = kind_of(name, catalog=self.catalog)
        if kind is None:
            self._fail(unknown_operator(name, catalog=self.catalog), where)
        return kind

    def _bare_name(self, name):
        if kind_of(name, catalog=self.catalog) is None:
            return unknown_operator(name, catalog=self.catalog)
        return f"{name} must be applied to an input, as in {name}({INPUT})."

    def _fail_if(self, message, where):
        if message is not None:
            self._fail(message, where)

    def _fail(self, message, where):
        raise PipelineSyntaxError(message, self.text, self._offset(where))

    def _offset(self, where):
        line = self.lines[where.lineno - 1]
        # The syntax tree counts UTF-8 bytes, a text counts characters.
        column = len(line.encode()[: where.col_offset].decode(errors="ignore"))
        return self.start + sum(map(len, self.lines[: where.lineno - 1])) + column

    def _syntax_error(self, error):
        line = min(max(error.lineno or 1, 1), len(self.lines))
        before = sum(map(len, self.lines[: line - 1]))
        column = max((error.offset or 1) - 1, 0)
        offset = self.start + min(before + column, len(self.source))
        return PipelineSyntaxError(
            f"Not an expression: {error.msg}.", self.text, offset
        )

    def _excerpt(self, expression):
        """Name a piece of syntax in an error message."""
        if isinstance(expression, ast.Attribute):
            return "an attribute access"
        if isinstance(expression, ast.Call):
            return "a call"
        start = self._offset(expression)
        segment = ast.get_source_segment(self.source, expression)
        segment = segment or self.text[start : start + 40]
        return segment if len(segment) <= 40 else f"{segment[:37]}..."
