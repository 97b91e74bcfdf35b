"""`MAMLClassifier` and `MAMLRegressor`: meta-learned networks as estimators.

``fit`` is: bring the table into canonical form, choose the rows to learn from, load the
initialization, and take a few gradient steps on predictions of rows that were left out.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, _fit_context
from sklearn.utils import (
    _safe_indexing,
    assert_all_finite,
    check_consistent_length,
    check_random_state,
)
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    _num_samples,
    check_is_fitted,
    column_or_1d,
)

from sklearn_meta.data._encoding import apply_encoder, check_table, encode_table
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.maml._canonical_form import CanonicalInput
from sklearn_meta.maml._context import Context
from sklearn_meta.maml._initialization import (
    Initialization,
    load_initialization,
    random_initialization,
)
from sklearn_meta.maml._inner_loop import HEAD
from sklearn_meta.maml._network import NetworkConfig
from sklearn_meta.maml._skorch_nets import (
    TableClassifierNet,
    TableRegressorNet,
    adapt_net,
    one_thread,
    pick_device,
)
from sklearn_meta.maml._support import Rows, choose_rows, distinct_rows
from sklearn_meta.maml._table_module import TableModule
from sklearn_meta.maml._temperature import best_temperature

# Steps from a random initialization, for which none were learned.
RANDOM_STEPS = 20
# Rows of context, squared, times columns: the network compares all rows of the context
# with each other in each column. About 30 MB in double precision.
CONTEXT_CELLS = 4_000_000


class _BaseMAML(BaseEstimator):
    _parameter_constraints: dict = {
        "init": [StrOptions({"meta", "random"}), str, os.PathLike, Initialization],
        "n_adaptation_steps": [Interval(Integral, 0, None, closed="left"), None],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "fine_tune": [StrOptions({"learned", "head", "all"})],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_support_rows": [Interval(Integral, 2, None, closed="left")],
        "max_features": [Interval(Integral, 1, None, closed="left")],
        "categorical_features": ["array-like", None],
        "warm_start": ["boolean"],
        "device": [str],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        init="meta",
        *,
        n_adaptation_steps=None,
        learning_rate=1.0,
        fine_tune="learned",
        batch_size=512,
        max_support_rows=512,
        max_features=64,
        categorical_features=None,
        warm_start=False,
        device="auto",
        random_state=None,
    ):
        self.init = init
        self.n_adaptation_steps = n_adaptation_steps
        self.learning_rate = learning_rate
        self.fine_tune = fine_tune
        self.batch_size = batch_size
        self.max_support_rows = max_support_rows
        self.max_features = max_features
        self.categorical_features = categorical_features
        self.warm_start = warm_start
        self.device = device
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Adapt the network to a table.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Numbers, categories, strings, dates; cells may be missing.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            A row of weight two counts like the row twice.

        Returns
        -------
        self : object
        """
        X, y, sample_weight = self._check(X, y, sample_weight, reset=True)
        y = self._first_target(y)
        X = self._read_table(X)
        warm = self._parameters() if self.warm_start and hasattr(self, "net_") else None
        return self._learn(X, y, sample_weight, warm)

    def _continue(self, X, y, sample_weight):
        """Learn from further rows, together with those that were kept."""
        X, y, sample_weight = self._check(X, y, sample_weight, reset=False)
        y = self._further_target(y)
        X = apply_encoder(self._encoder, X)[:, self._columns]
        X = X.toarray() if hasattr(X, "toarray") else X
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        kept = self._kept
        return self._learn(
            np.concatenate([kept.X, X]),
            np.concatenate([kept.y, y]),
            np.concatenate([kept.weight, weight]),
            self._parameters(),
        )

    def _check(self, X, y, sample_weight, *, reset):
        """Check table, target and weights; drop rows without weight."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        X = check_table(self, X, reset=reset)
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(
                sample_weight, y, dtype=np.float64, ensure_non_negative=True
            )
            rows = np.flatnonzero(sample_weight)
            if len(rows) < len(y):
                X, y, sample_weight = (
                    _safe_indexing(values, rows) for values in (X, y, sample_weight)
                )
        if reset and _num_samples(X) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 samples with a weight above "
                f"zero. Got n_samples = {_num_samples(X)}."
            )
        return X, y, sample_weight

    def _read_table(self, X):
        """Find out how the table becomes numbers, and return them."""
        self._encoder, encoded, encoding = encode_table(X)
        n_features = encoding.schema.n_features
        self._columns = np.arange(n_features)
        self._categorical = self._columns < encoding.schema.n_categorical
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if self.categorical_features is not None:
            self._categorical |= self._marked(n_features)
        return encoded

    def _marked(self, n_features):
        marked = np.asarray(self.categorical_features)
        if hasattr(self, "feature_names_in_") or n_features != self.n_features_in_:
            raise ValueError(
                "'categorical_features' marks columns of an array of numbers. In a "
                "data frame, give these columns a categorical dtype instead."
            )
        if marked.dtype == bool and marked.shape == (n_features,):
            return marked
        if marked.dtype.kind in "iu" and marked.ndim == 1 or not len(marked):
            return np.isin(np.arange(n_features), marked)
        raise ValueError(
            "'categorical_features' must hold positions of columns, or one bool for "
            f"each of the {n_features} columns. Got {self.categorical_features!r}."
        )

    def _learn(self, X, y, sample_weight, warm):
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        # Weights below one row on average would count less than any row is worth.
        rows = distinct_rows(X, y, weight / min(1.0, weight.mean()), self._seed)
        choice = choose_rows(rows, *self._sizes(X.shape[1]), self._n_classes)
        canon = CanonicalInput(self.max_features, categorical=self._categorical)
        cells, missing = canon.fit_transform(
            choice.rows.X,
            choice.rows.y,
            task=self._task,
            sample_weight=choice.weight_as(choice.mass),
        )
        self._keep(canon, choice)
        target = self._standardized(choice)
        with one_thread():
            self.net_ = self._make_net(cells, missing, target, choice, warm)
            self.loss_curve_ = adapt_net(self.net_)
            self._calibrate(choice)
        self.n_support_rows_ = choice.n_context
        self.n_iter_ = max(len(self.loss_curve_) - 1, 0)
        return self

    def _sizes(self, n_features):
        """Return how many rows are predicted from, and how many more adapted on."""
        width = min(n_features, self.max_features)
        n_context = min(self.max_support_rows, int((CONTEXT_CELLS / width) ** 0.5))
        return max(n_context, self._n_classes, 2), self.batch_size

    def _keep(self, canon, choice):
        """Keep the columns and rows that further rows can be learned with."""
        self._columns = self._columns[canon.columns_]
        self._categorical = self._categorical[canon.columns_]
        X = choice.rows.X[:, canon.columns_]
        X = X.toarray() if hasattr(X, "toarray") else X
        self._kept = Rows(X, choice.rows.y, choice.weight_as(choice.mass))
        self._canon = canon.narrowed()

    def _make_net(self, cells, missing, target, choice, warm):
        start = self._start()
        rates = self._rates(start)
        n_steps = self.n_adaptation_steps
        n_context = choice.n_context
        x, missing, target = (
            torch.as_tensor(part) for part in (cells.astype(float), missing, target)
        )
        context = Context(
            x=x[:n_context],
            missing=missing[:n_context],
            y=target[:n_context],
            weight=torch.as_tensor(choice.context_weight),
            column_mask=torch.ones(x.shape[1], dtype=torch.bool),
            class_mask=torch.ones(max(self._n_classes, 1), dtype=torch.bool),
        )
        train_weight = torch.as_tensor(self._train_weight(choice))
        return self._net_class(
            TableModule,
            module__config=start.config,
            module__context=context,
            module__train_weight=train_weight[:n_context],
            module__extra_x=x[n_context:],
            module__extra_missing=missing[n_context:],
            module__extra_y=target[n_context:],
            module__extra_weight=train_weight[n_context:],
            warm_parameters=start.parameters if warm is None else warm,
            rates=rates,
            n_steps=start.n_inner_steps if n_steps is None else n_steps,
            batch_size=self.batch_size,
            optimizer=torch.optim.SGD,
            criterion=self._criterion,
            train_split=None,
            max_epochs=1,
            verbose=0,
            device=pick_device(self.device),
        )

    def _start(self):
        if isinstance(self.init, Initialization):
            start = self.init
        elif self.init == "meta":
            start = load_initialization(self._task)
        elif self.init == "random":
            config = NetworkConfig(self._task)
            return random_initialization(config, self._seed, n_inner_steps=RANDOM_STEPS)
        else:
            start = load_initialization(self.init)
        if start.task != self._task:
            raise ValueError(
                f"'init' of {type(self).__name__} must be an initialization for "
                f"{self._task}. Got one for {start.task}."
            )
        return start

    def _rates(self, start):
        """Return the step size of each tensor that is adapted."""
        rates = {k: max(0.0, float(v)) for k, v in start.rates.items()}
        names = list(start.parameters)
        if self.fine_tune == "head" or (
            self.fine_tune == "learned" and self.init == "random"
        ):
            names = [name for name in names if name.startswith(HEAD)]
        elif self.fine_tune == "learned":
            names = list(rates)
        # Tensors that had no steps in meta-training take cautious ones.
        other = min(rates.values(), default=0.0)
        return {k: self.learning_rate * rates.get(k, other) for k in names}

    def _parameters(self):
        network = self.net_.module_.network
        return {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}

    def _forward(self, X):
        """Return what the network says of new rows."""
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        X = apply_encoder(self._encoder, X)[:, self._columns]
        cells, missing = self._canon.transform(X)
        with one_thread(), torch.no_grad():
            output = self.net_.forward({"x": cells.astype(float), "missing": missing})
        return output.numpy()

    @property
    @abstractmethod
    def _n_classes(self):
        """Number of classes; 0 for regression."""

    @abstractmethod
    def _first_target(self, y):
        """Check the target of the first rows, and return codes or numbers."""

    @abstractmethod
    def _further_target(self, y):
        """Check the target of further rows."""

    @abstractmethod
    def _standardized(self, choice):
        """Return the target as the network takes it."""

    def _train_weight(self, choice):
        """Return what the rows count in the loss of adaptation."""
        return choice.weight_as(choice.context_mass)

    def _calibrate(self, choice):
        """Make predictions right on average on rows that were left out."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class MAMLClassifier(ClassifierMixin, _BaseMAML):
    """Classifier whose initialization was learned from many tables.

    A small network that reads any table, with a few gradient steps from an
    initialization that was meta-learned for that (MAML [1]_). It is strongest on tables
    of some dozens to some hundreds of rows.

    Parameters
    ----------
    init : {"meta", "random"}, path or Initialization, default="meta"
        What the network starts from: the initialization of the package, a random one,
        or one of your own, see `meta_train`.
    n_adaptation_steps : int, default=None
        Gradient steps. 0 takes the initialization as it is; None as many as it was
        trained for.
    learning_rate : float, default=1.0
        Factor of the learned step sizes.
    fine_tune : {"learned", "head", "all"}, default="learned"
        What is adapted: the tensors that were adapted in meta-training, the head that
        mixes the base predictions, or everything. Adapting everything costs some ten
        times as much.
    batch_size : int, default=512
        Rows of one gradient step at most. Of larger tables, so many rows that are not
        predicted from are adapted on as well.
    max_support_rows : int, default=512
        Rows that are predicted from at most; a sample in larger tables, and fewer where
        there are more than 15 columns (250 for 64), which bounds memory and time.
    max_features : int, default=64
        Columns at most, those most relevant to the target.
    categorical_features : array-like of int or bool, default=None
        Columns of an array of numbers that hold codes of categories. In data frames,
        categories and strings are recognized by themselves.
    warm_start : bool, default=False
        Whether the next ``fit`` starts from the parameters of the last one.
    device : str, default="auto"
        ``"cpu"``, ``"cuda"``, or ``"auto"``: CUDA where it is available.
    random_state : int, RandomState instance or None, default=None
        Decides which rows of a large table are used, the folds in which they are left
        out, and the parameters of ``init="random"``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    net_ : skorch.NeuralNetClassifier
        The adapted net; its ``module_`` holds the network and the rows it predicts
        from.
    loss_curve_ : ndarray of shape (n_steps + 1,)
        Log loss of left-out rows before each step, and after the last one. Where that
        is higher than before the first, the steps are taken back.
    temperature_ : float
        What logits are divided by, found on left-out rows.
    n_iter_ : int
        Gradient steps of the last call.
    n_support_rows_ : int
        Different rows that are predicted from.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    MAMLRegressor : The same for numeric targets.
    meta_train : Learn an initialization.

    Notes
    -----
    Equal rows are merged, and the order of the rows does not matter.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine, "Model-Agnostic Meta-Learning for Fast
       Adaptation of Deep Networks", ICML 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta.maml import MAMLClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = MAMLClassifier(random_state=0).fit(X[::5], y[::5])
    >>> clf.score(X, y) > 0.9
    True
    """

    _net_class = TableClassifierNet
    _criterion = torch.nn.CrossEntropyLoss
    _task = CLASSIFICATION

    @property
    def _n_classes(self):
        return len(self.classes_)

    def _first_target(self, y):
        y = np.asarray(y)
        if y.dtype.kind == "f":
            # The next check casts to integers, of which infinity is none.
            assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs at least 2 classes in y. "
                f"Got 1 class: {self.classes_[0]!r}."
            )
        return codes

    def _further_target(self, y):
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(
                f"y has classes that the first call did not know of: {unknown}. Pass "
                f"all of them to the first call of partial_fit as 'classes'."
            )
        return np.searchsorted(self.classes_, y)

    def _standardized(self, choice):
        return choice.rows.y

    def _train_weight(self, choice):
        # Without its only row, the context does not know of a class.
        codes = choice.rows.y
        alone = np.bincount(codes[: choice.n_context], minlength=self._n_classes) < 2
        return np.where(alone[codes], 0.0, choice.weight_as(choice.context_mass))

    def _calibrate(self, choice):
        self._shift = choice.prior_shift
        module = self.net_.module_
        weight = module.train_weight.cpu().numpy()
        rows = np.flatnonzero(weight)
        self.temperature_ = 1.0
        if len(rows):
            logits = self.net_.forward({"row": rows}).detach().numpy()
            codes = module.train_y.cpu().numpy()[rows]
            self.temperature_ = best_temperature(logits, codes, weight[rows])

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Adapt further, to more rows of the same table.

        The rows are learned from together with those of earlier calls, of which at
        most `max_support_rows` and `batch_size` are kept, a uniform sample. Gradient
        steps start from the present parameters. Columns that the first call left out
        (constant ones, and those beyond `max_features`) stay out.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), default=None
            All labels that can ever come, in the first call. None: those in `y`.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        if hasattr(self, "net_"):
            return self._continue(X, y, sample_weight)
        X, y, sample_weight = self._check(X, y, sample_weight, reset=True)
        codes = self._first_target(y if classes is None else classes)
        if classes is not None:
            check_classification_targets(y)
            codes = self._further_target(y)
        return self._learn(self._read_table(X), codes, sample_weight, None)

    def predict_proba(self, X):
        """Return class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to one.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X):
        """Return the logarithm of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """Return the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        best = np.argmax(self._logits(X), axis=1)
        return self.classes_[best]

    def _logits(self, X):
        """Calibrated logits; in a sample of rows, rare classes were too frequent."""
        logits = self._forward(X)
        return logits / self.temperature_ + self._shift


class MAMLRegressor(RegressorMixin, _BaseMAML):
    """Regressor whose initialization was learned from many tables.

    As `MAMLClassifier`, for numeric targets; see there for parameters and references.

    Attributes
    ----------
    net_ : skorch.NeuralNetRegressor
        The adapted net. It predicts mean and log variance of the target in units of
        its standard deviation.
    loss_curve_ : ndarray of shape (n_steps + 1,)
        Loss of left-out rows before each step, and after the last one: half Gaussian
        log-likelihood, half squared error. Where the last is higher than the first,
        the steps are taken back.
    n_iter_ : int
        Gradient steps of the last call.
    n_support_rows_ : int
        Different rows that are predicted from.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they are strings.

    See Also
    --------
    MAMLClassifier : The same for class labels.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_meta.maml import MAMLRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> reg = MAMLRegressor(random_state=0).fit(X[:50], y[:50])
    >>> reg.score(X[50:], y[50:]) > 0.3
    True
    """

    _net_class = TableRegressorNet
    _criterion = torch.nn.MSELoss
    _task = REGRESSION
    _n_classes = 0

    def _first_target(self, y):
        y = np.asarray(y, dtype=np.float64)
        assert_all_finite(y, input_name="y")
        return y

    _further_target = _first_target

    def _standardized(self, choice):
        y, weight = choice.rows.y, choice.rows.weight
        self._mean = np.average(y, weights=weight)
        deviation = np.sqrt(np.average((y - self._mean) ** 2, weights=weight))
        self._deviation = deviation if deviation > 0 else 1.0
        return (y - self._mean) / self._deviation

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Adapt further, to more rows of the same table.

        The rows are learned from together with those of earlier calls, of which at
        most `max_support_rows` and `batch_size` are kept, a uniform sample. Gradient
        steps start from the present parameters. Columns that the first call left out
        (constant ones, and those beyond `max_features`) stay out.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        self : object
        """
        if hasattr(self, "net_"):
            return self._continue(X, y, sample_weight)
        return self.fit(X, y, sample_weight)

    def predict(self, X):
        """Return predicted targets.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)

        Returns
        -------
        y : ndarray of shape (n_samples,)
        """
        standardized = self._forward(X)[:, 0]
        return self._mean + self._deviation * standardized
