"""What earlier datasets teach: meta-features, knowledge base, and recall."""

from sklearn_meta.metalearning._fixed_portfolio import FixedPortfolio
from sklearn_meta.metalearning._knn import KNNMetaLearner, Recommendation
from sklearn_meta.metalearning._prior import Neighbor, Prior, Proposal
from sklearn_meta.metalearning.knowledge_base._knowledge_base import (
    DatasetRecord,
    EvaluationRecord,
    KnowledgeBase,
    KnowledgeBaseError,
    ScoreMatrix,
)
from sklearn_meta.metalearning.metafeatures import MetaFeatures, compute_metafeatures

__all__ = [
    "DatasetRecord",
    "EvaluationRecord",
    "FixedPortfolio",
    "KNNMetaLearner",
    "KnowledgeBase",
    "KnowledgeBaseError",
    "MetaFeatures",
    "Neighbor",
    "Prior",
    "Proposal",
    "Recommendation",
    "ScoreMatrix",
    "compute_metafeatures",
]
