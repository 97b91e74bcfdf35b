"""What is known before the search: the prior over pipelines and who recalls it."""

from sklearn_meta.metalearning._fixed import FixedPortfolio
from sklearn_meta.metalearning._prior import Prior, Proposal

__all__ = ["FixedPortfolio", "Prior", "Proposal"]
