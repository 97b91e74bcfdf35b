"""Save and load fitted models, by skops, which runs no code of the file."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from dataclasses import dataclass

from sklearn_meta.cli._errors import UsageError, listed, one_line
from sklearn_meta.cli._files import check_is_file, replaced

SKOPS, PICKLES = ".skops", (".joblib", ".pkl", ".pickle")

# Entry of the archive, beside those of skops, that says what the model predicts.
DESCRIPTION = "sklearn_meta.json"


@dataclass(frozen=True)
class Saved:
    """A model from a file.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor
        Fitted.
    target : str or None
        Name of the column that it predicts; None if the file does not say.
    versions : dict of str to str
        Versions of the packages that have written the file.
    """

    model: object
    target: str | None
    versions: dict[str, str]


def save_model(model, path, *, target=None):
    """Save a fitted estimator for ``sklearn-meta predict``.

    Parameters
    ----------
    model : MetaAutoClassifier or MetaAutoRegressor
        Fitted. Its operators, scorer and splitter must be of this package or
        scikit-learn.
    path : str or path-like
        Name of the file, which ends in ``.skops``; an existing one is replaced. With
        ``.joblib`` or ``.pkl`` it is a pickle, which can run any code when it is read.
    target : str, default=None
        Name of the column that the model predicts.

    Raises
    ------
    SklearnMetaError
        If the name ends in nothing of that, or skops is not installed.

    See Also
    --------
    load_model : Load it again.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MetaAutoClassifier
    >>> from sklearn_meta.cli import load_model, save_model
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MetaAutoClassifier(search=None, random_state=0).fit(X, y)
    >>> path = Path(tempfile.mkdtemp()) / "iris.skops"
    >>> save_model(clf, path, target="species")
    >>> load_model(path).predict(X[:2])
    array([0, 0])
    """
    suffix = check_suffix(path)
    with replaced(path) as temporary:
        if suffix in PICKLES:
            import joblib

            joblib.dump(model, temporary)
            return
        _skops().dump(
            model, os.fspath(temporary), compression=zipfile.ZIP_DEFLATED,
            compresslevel=1,
        )  # fmt: skip
        with zipfile.ZipFile(temporary, "a") as archive:
            description = {"target": target, "versions": _versions()}
            archive.writestr(DESCRIPTION, json.dumps(description))


def load_model(path, *, allow_pickle=False):
    """Load an estimator that `save_model` or ``sklearn-meta fit`` has saved.

    Parameters
    ----------
    path : str or path-like
        Name of the file.
    allow_pickle : bool, default=False
        Whether files that end in ``.joblib`` or ``.pkl`` are loaded. Such a file can
        run any code: allow it only for files that you have made.

    Returns
    -------
    model : MetaAutoClassifier or MetaAutoRegressor
        Fitted.

    Raises
    ------
    SklearnMetaError
        If there is no such file, it is a pickle, holds something else or types that are
        not in the list of the package, or skops is not installed.

    Notes
    -----
    A file of skops runs no code when it is loaded, whoever has made it. Numbers of
    trees are not checked, so that a file which was made to harm can end the process
    when the model predicts.
    """
    return read_saved(path, allow_pickle=allow_pickle).model


def read_saved(path, *, allow_pickle=False) -> Saved:
    """Load a model and its description; see `load_model`."""
    check_is_file(path)
    suffix = check_suffix(path)
    with warnings.catch_warnings():
        # One line, of `differing_versions`, says it once for all members.
        warnings.filterwarnings("ignore", "Trying to unpickle estimator")
        if suffix in PICKLES:
            saved = _read_pickle(path, allow_pickle)
        else:
            saved = _read_skops(path)
    model = saved.model
    from sklearn_meta.automl import MetaAutoClassifier, MetaAutoRegressor

    if not isinstance(model, MetaAutoClassifier | MetaAutoRegressor):
        raise UsageError(
            f"{path} holds an object of the type {type(model).__name__}, not a model "
            "of `sklearn-meta fit`"
        )
    if not hasattr(model, "ensemble_"):
        raise UsageError(f"the model in {path} is not fitted; fit it before saving it")
    return saved


def check_suffix(path) -> str:
    """Return how the name of a model file ends; a `UsageError` if it may not."""
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in (SKOPS, *PICKLES):
        raise UsageError(
            f"the name of a model file must end in {SKOPS} (or {', '.join(PICKLES)}, "
            f"pickles); got {os.fspath(path)!r}"
        )
    return suffix


def check_can_be_saved(path) -> None:
    """Check before a fit that its model can be saved; a `UsageError` if it cannot."""
    if check_suffix(path) == SKOPS:
        _skops()


def differing_versions(saved) -> str:
    """Return which packages have other versions than when a model was saved.

    Parameters
    ----------
    saved : Saved

    Returns
    -------
    text : str
        Empty if none of those that predict has.
    """
    here = _versions()
    return ", ".join(
        f"{name} {version} (here {here[name]})"
        for name, version in saved.versions.items()
        if name in here and here[name] != version
    )


def _versions():
    from importlib.metadata import PackageNotFoundError, version

    import sklearn_meta

    versions = {"sklearn-meta": sklearn_meta.__version__}
    for name in ("scikit-learn", "lightgbm"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _skops():
    try:
        import skops.io
    except ImportError as error:
        raise UsageError(
            "model files need skops, which is not installed; "
            'pip install "sklearn-meta[cli]"'
        ) from error
    return skops.io


def _read_skops(path):
    from sklearn_meta.cli._trusted_types import TRUSTED_TYPES

    skops_io = _skops()
    from skops.io.exceptions import UntrustedTypesFoundException

    if not zipfile.is_zipfile(path):
        raise UsageError(f"{path} is not a file of skops, or is damaged")
    try:
        model = skops_io.load(path, trusted=list(TRUSTED_TYPES))
    except UntrustedTypesFoundException:
        types = set(skops_io.get_untrusted_types(file=path)) - set(TRUSTED_TYPES)
        raise UsageError(
            f"{path} was not loaded: it holds {listed(sorted(types))}, which no model "
            "of `sklearn-meta fit` does. If you have made it, load it in Python with "
            "skops.io.load and predict there"
        ) from None
    except Exception as error:
        raise UsageError(
            f"{path} cannot be read ({type(error).__name__}: {one_line(error)}): it is "
            "damaged, or of another version"
        ) from error
    with zipfile.ZipFile(path) as archive:
        if DESCRIPTION not in archive.namelist():
            return Saved(model, None, {})
        description = json.loads(archive.read(DESCRIPTION))
    return Saved(model, description.get("target"), description.get("versions", {}))


def _read_pickle(path, allowed):
    if not allowed:
        raise UsageError(
            f"{path} is a pickle, which can run any code when it is loaded. If you "
            "have made it, add --allow-pickle; better, fit with -o model.skops"
        )
    import joblib

    try:
        return Saved(joblib.load(path), None, {})
    except Exception as error:
        raise UsageError(
            f"{path} cannot be read ({type(error).__name__}: {one_line(error)})"
        ) from error
