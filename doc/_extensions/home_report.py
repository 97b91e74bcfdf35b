"""The report that the home page shows: of the model that its own lines fit."""

import contextlib
import doctest
import io
from pathlib import Path


def write_report(app, exception):
    """Run the lines of the home page, and write the report of their model."""
    if exception is not None or app.builder.format != "html":
        return
    home = Path(app.srcdir, "index.rst").read_text(encoding="utf-8")
    names = {}
    with contextlib.redirect_stdout(io.StringIO()):
        for example in doctest.DocTestParser().get_examples(home):
            exec(example.source, names)
    X, y = names["X"], names["y"]
    path = Path(app.outdir, "report_of_home.html")
    names["model"].report(path, X_test=X[400:], y_test=y[400:])


def setup(app):
    """Write the report once all pages are there."""
    app.connect("build-finished", write_report)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
