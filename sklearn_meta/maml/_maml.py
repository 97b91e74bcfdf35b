"""`MAMLClassifier` and `MAMLRegressor`: few-shot learning by MAML as estimators.

``fit`` merges equal rows and samples large tables, brings the columns into canonical
form, loads the initialization, and takes a few gradient steps on the loss of
cross-fitted predictions.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from numbers import Integral, Real

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.pipeline import make_pipeline
from sklearn.utils import (
    assert_all_finite,
    check_consistent_length,
    check_random_state,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_is_fitted,
    column_or_1d,
)

from sklearn_meta._sklearn_compat import (
    Interval,
    StrOptions,
    _check_sample_weight,
    _fit_context,
    _num_samples,
    _safe_indexing,
)
from sklearn_meta.data._encoding import apply_encoder, encode_table
from sklearn_meta.data._task_names import CLASSIFICATION, REGRESSION
from sklearn_meta.data._validation import check_table
from sklearn_meta.maml._canonical_form import CanonicalInput
from sklearn_meta.maml._context import Context
from sklearn_meta.maml._initialization import (
    Initialization,
    load_initialization,
    random_initialization,
)
from sklearn_meta.maml._network import HEAD, NetworkConfig
from sklearn_meta.maml._skorch_nets import (
    TableClassifierNet,
    TableRegressorNet,
    adapt_net,
    net_as_arrays,
    net_of_arrays,
    one_torch_thread,
    pick_device,
)
from sklearn_meta.maml._support import DistinctRows, choose_rows, distinct_rows
from sklearn_meta.maml._table_module import TableModule
from sklearn_meta.maml._temperature import fit_temperature
from sklearn_meta.maml._text_columns import reduce_text

# Default number of gradient steps from a random initialization.
N_RANDOM_STEPS = 20
# Bound of squared context rows times columns, the size of the largest intermediate
# array: about 30 MB in double precision.
MAX_CONTEXT_ELEMENTS = 4_000_000


class _BaseMAML(BaseEstimator):
    """Fitting shared by the two estimators."""

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
            Numbers, categories, strings or dates; cells may be missing.
        y : array-like of shape (n_samples,)
            Target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; None is 1 for all rows. A row of weight two is equivalent to
            the row repeated.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=True)
        y = self._first_target(y)
        X = self._fit_encoder(X)
        warm = self._parameters() if self.warm_start and hasattr(self, "net_") else None
        return self._adapt(X, y, sample_weight, warm)

    def _adapt_further(self, X, y, sample_weight):
        """Adapt to further rows, together with the kept ones."""
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=False)
        y = self._further_target(y)
        X = apply_encoder(self._encoder, X)[:, self._columns]
        X = X.toarray() if hasattr(X, "toarray") else X
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        kept = self._kept
        return self._adapt(
            np.concatenate([kept.X, X]),
            np.concatenate([kept.y, y]),
            np.concatenate([kept.weight, weight]),
            self._parameters(),
        )

    def _validate(self, X, y, sample_weight, *, reset):
        """Validate table, target and weights; drop rows of weight zero."""
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

    def _fit_encoder(self, X):
        """Fit the encoding of the columns, and return the encoded table."""
        self._encoder, encoded, encoding = encode_table(X)
        if encoding.schema.has_text:
            reducer, encoded = reduce_text(encoded, encoding.schema)
            self._encoder = make_pipeline(self._encoder, reducer)
        n_features = encoded.shape[1]
        self._columns = np.arange(n_features)
        self._categorical = self._columns < encoding.schema.n_categorical
        self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        if self.categorical_features is not None:
            self._categorical |= self._categorical_mask(n_features)
        return encoded

    def _categorical_mask(self, n_features):
        """Return the mask of the columns in `categorical_features`."""
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

    def _adapt(self, X, y, sample_weight, warm):
        """Choose rows, fit the canonical form, and take the gradient steps."""
        weight = np.ones(len(y)) if sample_weight is None else sample_weight
        # Weights below 1 on average would be outweighed by the priors of the network.
        rows = distinct_rows(X, y, weight / min(1.0, weight.mean()), self._seed)
        support = choose_rows(rows, *self._sizes(X.shape[1]), self._n_classes)
        canon = CanonicalInput(self.max_features, categorical=self._categorical)
        cells, missing = canon.fit_transform(
            support.rows.X,
            support.rows.y,
            task=self._task,
            sample_weight=support.weight_as(support.mass),
        )
        self._keep(canon, support)
        target = self._network_target(support)
        with one_torch_thread():
            self.net_ = self._make_net(cells, missing, target, support, warm)
            self.loss_curve_ = adapt_net(self.net_)
            self._calibrate(support)
        self.n_support_rows_ = support.n_context
        self.n_iter_ = max(len(self.loss_curve_) - 1, 0)
        return self

    def _sizes(self, n_features):
        """Return the maximum numbers of context rows and of further training rows."""
        width = min(n_features, self.max_features)
        n_context = min(
            self.max_support_rows, int((MAX_CONTEXT_ELEMENTS / width) ** 0.5)
        )
        return max(n_context, self._n_classes, 2), self.batch_size

    def _keep(self, canon, support):
        """Store what `partial_fit` needs: the kept columns and rows."""
        self._columns = self._columns[canon.columns_]
        self._categorical = self._categorical[canon.columns_]
        X = support.rows.X[:, canon.columns_]
        X = X.toarray() if hasattr(X, "toarray") else X
        self._kept = DistinctRows(X, support.rows.y, support.weight_as(support.mass))
        self._canon = canon.narrowed()

    def _make_net(self, cells, missing, target, support, warm):
        """Return the net with its context and training rows."""
        start = self._start()
        rates = self._rates(start)
        n_steps = self.n_adaptation_steps
        n_context = support.n_context
        x, missing, target = (
            torch.as_tensor(part) for part in (cells.astype(float), missing, target)
        )
        context = Context(
            x=x[:n_context],
            missing=missing[:n_context],
            y=target[:n_context],
            weight=torch.as_tensor(support.context_weight),
            column_mask=torch.ones(x.shape[1], dtype=torch.bool),
            class_mask=torch.ones(max(self._n_classes, 1), dtype=torch.bool),
        )
        return self._net(
            pick_device(self.device),
            module__config=start.config,
            module__context=context,
            module__train_x=x,
            module__train_missing=missing,
            module__train_y=target,
            module__train_weight=torch.as_tensor(self._train_weight(support)),
            initial_parameters=start.parameters if warm is None else warm,
            rates=rates,
            n_steps=start.n_inner_steps if n_steps is None else n_steps,
        )

    def _net(self, device, **settings):
        """Return an uninitialized net."""
        return self._net_class(
            TableModule,
            batch_size=self.batch_size,
            optimizer=torch.optim.SGD,
            criterion=self._criterion,
            train_split=None,
            max_epochs=1,
            verbose=0,
            device=device,
            **settings,
        )

    def _start(self):
        """Return the initialization."""
        if isinstance(self.init, Initialization):
            start = self.init
        elif self.init == "meta":
            start = load_initialization(self._task)
        elif self.init == "random":
            config = NetworkConfig(self._task)
            return random_initialization(
                config, self._seed, n_inner_steps=N_RANDOM_STEPS
            )
        else:
            start = load_initialization(self.init)
        if start.task != self._task:
            raise ValueError(
                f"'init' of {type(self).__name__} must be an initialization for "
                f"{self._task}. Got one for {start.task}."
            )
        return start

    def _rates(self, start):
        """Return the step sizes of the adapted tensors."""
        rates = {k: max(0.0, float(v)) for k, v in start.rates.items()}
        names = list(start.parameters)
        if self.fine_tune == "head" or (
            self.fine_tune == "learned" and self.init == "random"
        ):
            names = [name for name in names if name.startswith(HEAD)]
        elif self.fine_tune == "learned":
            names = list(rates)
        # No step size was learned for the other tensors: they get the smallest one.
        other = min(rates.values(), default=0.0)
        return {k: self.learning_rate * rates.get(k, other) for k in names}

    def _parameters(self):
        """Return a copy of the parameters of the fitted network."""
        network = self.net_.module_.network
        return {k: v.detach().cpu().clone() for k, v in network.state_dict().items()}

    def _forward(self, X):
        """Return the output of the network for new rows."""
        check_is_fitted(self)
        X = check_table(self, X, reset=False)
        X = apply_encoder(self._encoder, X)[:, self._columns]
        cells, missing = self._canon.transform(X)
        with one_torch_thread(), torch.no_grad():
            output = self.net_.forward({"x": cells.astype(float), "missing": missing})
        return output.numpy()

    def __getstate__(self):
        # As arrays: reading what torch and skorch pickle may run any code, so that no
        # other format than pickle could hold a net.
        state = dict(super().__getstate__())
        if "net_" in state:
            state["net_"] = net_as_arrays(state["net_"])
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if "net_" in state:
            self.net_ = net_of_arrays(state["net_"], self._net)

    @property
    @abstractmethod
    def _n_classes(self):
        """Number of classes; 0 for regression."""

    @abstractmethod
    def _first_target(self, y):
        """Validate the target of ``fit``, and return class codes or numbers."""

    @abstractmethod
    def _further_target(self, y):
        """Validate the target of further rows, and return class codes or numbers."""

    @abstractmethod
    def _network_target(self, support):
        """Return class codes or standardized targets."""

    def _train_weight(self, support):
        """Return the weights of the training rows in the loss."""
        return support.weight_as(support.context_mass)

    def _calibrate(self, support):
        """Calibrate the predictions on left-out rows."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class MAMLClassifier(ClassifierMixin, _BaseMAML):
    """Few-shot classifier: a network adapted from a meta-learned initialization.

    The network predicts rows of any table from its labeled rows. It is adapted by a few
    gradient steps from an initialization that was meta-trained on many other tables
    (MAML [1]_). Intended for tables of tens to hundreds of rows.

    Parameters
    ----------
    init : {"meta", "random"}, path or Initialization, default="meta"
        Initialization of the network: the shipped one, a random one, or the result of
        `meta_train` or the path it was saved to.
    n_adaptation_steps : int, default=None
        Number of gradient steps; 0 skips adaptation. None is the number of steps that
        the initialization was trained for, or 20 for ``init="random"``.
    learning_rate : float, default=1.0
        Factor of the meta-learned step sizes.
    fine_tune : {"learned", "head", "all"}, default="learned"
        Adapted parameters: those adapted in meta-training, those of the head that mixes
        the base predictions, or all, which takes about ten times as long.
    batch_size : int, default=512
        Maximum number of rows of a gradient step. In tables of more than
        `max_support_rows` rows, also the maximum number of further training rows.
    max_support_rows : int, default=512
        Maximum number of rows that the network predicts from, a sample of larger
        tables. It is reduced for more than 15 columns (to 250 for 64), which bounds
        memory and time.
    max_features : int, default=64
        Maximum number of columns, those most relevant to the target. The cost is
        proportional to it.
    categorical_features : array-like of int or bool, default=None
        Indices or mask of the columns of category codes in an array of numbers. In data
        frames, categorical and string columns are recognized by their dtype.
    warm_start : bool, default=False
        Whether ``fit`` starts from the parameters of the previous call.
    device : str, default="auto"
        Torch device. ``"auto"`` is CUDA if available, else the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of the sample of large tables, of the cross-fitting folds, and of the
        parameters of ``init="random"``.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted class labels.
    net_ : skorch.NeuralNetClassifier
        Adapted net; its ``module_`` holds the network and the rows that it predicts
        from.
    loss_curve_ : ndarray of shape (n_steps + 1,)
        Cross-fitted log loss before each step, and after the last one. If the last
        value is higher than the first, the steps are undone.
    temperature_ : float
        Divisor of the logits, fitted to cross-fitted predictions.
    n_iter_ : int
        Number of gradient steps of the last call.
    n_support_rows_ : int
        Number of distinct rows that the network predicts from.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during ``fit``, if all are strings.

    See Also
    --------
    MAMLRegressor : The regressor.
    sklearn_meta.maml.training.meta_train : Train an initialization.

    Notes
    -----
    Equal rows are merged; predictions do not depend on the order of the rows.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine, "Model-Agnostic Meta-Learning for Fast
       Adaptation of Deep Networks", ICML 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_meta import MAMLClassifier
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
            # The next check casts to integers, which fails for infinity.
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

    def _network_target(self, support):
        return support.rows.y

    def _train_weight(self, support):
        # A class of one row is unknown to the context of the other folds.
        codes = support.rows.y
        alone = np.bincount(codes[: support.n_context], minlength=self._n_classes) < 2
        return np.where(alone[codes], 0.0, support.weight_as(support.context_mass))

    def _calibrate(self, support):
        self._shift = support.prior_shift
        module = self.net_.module_
        weight = module.train_weight.cpu().numpy()
        rows = np.flatnonzero(weight)
        self.temperature_ = 1.0
        if len(rows):
            logits = self.net_.forward({"row": rows}).detach().numpy()
            codes = module.train_y.cpu().numpy()[rows]
            self.temperature_ = fit_temperature(logits, codes, weight[rows])

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Adapt to further rows of the same table.

        The rows are added to a uniform sample of those of earlier calls, of at most
        `max_support_rows` and `batch_size` rows. Gradient steps start from the current
        parameters. Columns that the first call dropped (constant ones, and those beyond
        `max_features`) remain dropped.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Further rows.
        y : array-like of shape (n_samples,)
            Their target.
        classes : array-like of shape (n_classes,), default=None
            All labels that may occur, given in the first call. None takes those in
            `y`.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; None is 1 for all rows.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if hasattr(self, "net_"):
            return self._adapt_further(X, y, sample_weight)
        X, y, sample_weight = self._validate(X, y, sample_weight, reset=True)
        codes = self._first_target(y if classes is None else classes)
        if classes is not None:
            check_classification_targets(y)
            codes = self._further_target(y)
        return self._adapt(self._fit_encoder(X), codes, sample_weight, None)

    def predict_proba(self, X):
        """Predict class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`; rows sum to 1.
        """
        return softmax(self._logits(X), axis=1)

    def predict_log_proba(self, X):
        """Predict the logarithms of class probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Columns in the order of `classes_`.
        """
        return np.log(self.predict_proba(X))

    def predict(self, X):
        """Predict the most probable class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.
        """
        best = np.argmax(self._logits(X), axis=1)
        return self.classes_[best]

    def _logits(self, X):
        """Return logits, calibrated and corrected for oversampled rare classes."""
        logits = self._forward(X)
        return logits / self.temperature_ + self._shift


class MAMLRegressor(RegressorMixin, _BaseMAML):
    """Few-shot regressor: a network adapted from a meta-learned initialization.

    The network predicts rows of any table from its rows with targets. It is adapted by
    a few gradient steps from an initialization that was meta-trained on many other
    tables (MAML [1]_). Intended for tables of tens to hundreds of rows.

    Parameters
    ----------
    init : {"meta", "random"}, path or Initialization, default="meta"
        Initialization of the network: the shipped one, a random one, or the result of
        `meta_train` or the path it was saved to.
    n_adaptation_steps : int, default=None
        Number of gradient steps; 0 skips adaptation. None is the number of steps that
        the initialization was trained for, or 20 for ``init="random"``.
    learning_rate : float, default=1.0
        Factor of the meta-learned step sizes.
    fine_tune : {"learned", "head", "all"}, default="learned"
        Adapted parameters: those adapted in meta-training, those of the head that mixes
        the base predictions, or all, which takes about ten times as long.
    batch_size : int, default=512
        Maximum number of rows of a gradient step. In tables of more than
        `max_support_rows` rows, also the maximum number of further training rows.
    max_support_rows : int, default=512
        Maximum number of rows that the network predicts from, a sample of larger
        tables. It is reduced for more than 15 columns (to 250 for 64), which bounds
        memory and time.
    max_features : int, default=64
        Maximum number of columns, those most relevant to the target. The cost is
        proportional to it.
    categorical_features : array-like of int or bool, default=None
        Indices or mask of the columns of category codes in an array of numbers. In data
        frames, categorical and string columns are recognized by their dtype.
    warm_start : bool, default=False
        Whether ``fit`` starts from the parameters of the previous call.
    device : str, default="auto"
        Torch device. ``"auto"`` is CUDA if available, else the CPU.
    random_state : int, RandomState instance or None, default=None
        Seed of the sample of large tables, of the cross-fitting folds, and of the
        parameters of ``init="random"``.

    Attributes
    ----------
    net_ : skorch.NeuralNetRegressor
        Adapted net. It predicts mean and log variance of the standardized target.
    loss_curve_ : ndarray of shape (n_steps + 1,)
        Cross-fitted loss before each step, and after the last one: the mean of the
        Gaussian negative log-likelihood and half the squared error. If the last value
        is higher than the first, the steps are undone.
    n_iter_ : int
        Number of gradient steps of the last call.
    n_support_rows_ : int
        Number of distinct rows that the network predicts from.
    n_features_in_ : int
        Number of columns seen during ``fit``.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns seen during ``fit``, if all are strings.

    See Also
    --------
    MAMLClassifier : The classifier.
    sklearn_meta.maml.training.meta_train : Train an initialization.

    Notes
    -----
    Equal rows are merged; predictions do not depend on the order of the rows.

    References
    ----------
    .. [1] C. Finn, P. Abbeel, S. Levine, "Model-Agnostic Meta-Learning for Fast
       Adaptation of Deep Networks", ICML 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_meta import MAMLRegressor
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

    def _network_target(self, support):
        y, weight = support.rows.y, support.rows.weight
        self._mean = np.average(y, weights=weight)
        deviation = np.sqrt(np.average((y - self._mean) ** 2, weights=weight))
        self._deviation = deviation if deviation > 0 else 1.0
        return (y - self._mean) / self._deviation

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, sample_weight=None):
        """Adapt to further rows of the same table.

        The rows are added to a uniform sample of those of earlier calls, of at most
        `max_support_rows` and `batch_size` rows. Gradient steps start from the current
        parameters. Columns that the first call dropped (constant ones, and those beyond
        `max_features`) remain dropped.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Further rows.
        y : array-like of shape (n_samples,)
            Their target.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights; None is 1 for all rows.

        Returns
        -------
        self : object
            The fitted estimator.
        """
        if hasattr(self, "net_"):
            return self._adapt_further(X, y, sample_weight)
        return self.fit(X, y, sample_weight)

    def predict(self, X):
        """Predict the target of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            Rows to predict.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predicted means.
        """
        standardized = self._forward(X)[:, 0]
        return self._mean + self._deviation * standardized
