"""Records that a search adds to the user's own knowledge base."""

from sklearn.datasets import load_iris
from sklearn.metrics import f1_score, make_scorer

from sklearn_meta import MetaAutoClassifier
from sklearn_meta.metalearning import KnowledgeBase, MetaFeatures, Prior
from sklearn_meta.metalearning._run_records import metafeatures_to_record
from sklearn_meta.metalearning.metafeatures import encode_dataset
from sklearn_meta.pipelines import SearchSpace

SPACE = SearchSpace(include=["gaussian_nb", "lda", "standard_scaler"])


def metrics_after(path, scoring):
    X, y = load_iris(return_X_y=True)
    MetaAutoClassifier(
        max_evaluations=3,
        random_state=0,
        search_space=SPACE,
        scoring=scoring,
        knowledge_base=path,
    ).fit(X, y)
    return KnowledgeBase(path).metrics("classification")


def test_the_same_table_is_one_dataset(tmp_path):
    path = tmp_path / "ours.sqlite"
    metrics_after(path, None)
    metrics = metrics_after(path, "f1_macro")
    assert "f1_macro" in metrics and "neg_log_loss" in metrics
    assert len(KnowledgeBase(path).datasets()) == 1


def test_a_metric_without_a_name_is_not_stored(tmp_path):
    scorer = make_scorer(f1_score, average="micro")
    metrics = metrics_after(tmp_path / "ours.sqlite", scorer)
    assert set(metrics) == {"neg_log_loss", "roc_auc", "balanced_accuracy", "accuracy"}


def test_metafeatures_of_the_recall_are_not_computed_again():
    _, dataset = encode_dataset(*load_iris(return_X_y=True))
    recalled = MetaFeatures(("skew",), [0.5])
    assert metafeatures_to_record(dataset, Prior(metafeatures=recalled)) is recalled
    assert len(metafeatures_to_record(dataset, Prior())) > 50
