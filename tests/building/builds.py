"""Builds of a knowledge base in this process."""

from sklearn_meta.building._builder import Builder, unfinished
from sklearn_meta.building._pipeline_pool import read_pool
from sklearn_meta.building._sources import read_manifest
from sklearn_meta.building._worker_tasks import EvaluationProtocol, make_state
from sklearn_meta.parallel._in_process import InProcessPool
from sklearn_meta.pipelines import default_catalog

CLASSIFICATION, REGRESSION = "classification", "regression"
PIPELINES = ("dummy(X)", "lda(X)", "lda(one_hot(X))", "decision_tree(X, max_depth=2)")


def pool_of(*texts, task=CLASSIFICATION, tmp_path):
    path = tmp_path / "pool.txt"
    path.write_text("\n".join(texts))
    return {task: read_pool([path], catalog=default_catalog(task))}


def run(folder, knowledge_base, texts, tmp_path, **kw):
    pools = pool_of(*texts, tmp_path=tmp_path)
    sources = read_manifest(folder, tasks=[CLASSIFICATION])
    work = unfinished(knowledge_base, sources, pools)
    seen = []
    pool = InProcessPool(make_state())
    Builder(
        knowledge_base, EvaluationProtocol(), pool, **{"observe": seen.append, **kw}
    ).run(work)
    return seen
