"""Meta-learning: meta-features, knowledge base, similarity of datasets, and recall."""

from sklearn_meta.metalearning._fixed_portfolio import FixedPortfolio
from sklearn_meta.metalearning._knn import KNNMetaLearner, Recommendation
from sklearn_meta.metalearning._neighbors import Neighbor
from sklearn_meta.metalearning._prior import Prior, Proposal
from sklearn_meta.metalearning.knowledge_base._knowledge_base import KnowledgeBase
from sklearn_meta.metalearning.knowledge_base._records import (
    DatasetRecord,
    EvaluationRecord,
)
from sklearn_meta.metalearning.knowledge_base._schema import KnowledgeBaseError
from sklearn_meta.metalearning.knowledge_base._score_matrix import ScoreMatrix
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
