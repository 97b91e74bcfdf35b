"""A cluster that reports what a test says."""

from sklearn_meta.parallel._cluster import Answer, Ready
from sklearn_meta.parallel._cluster_pool import ClusterPool
from sklearn_meta.parallel._pickled import dumps
from sklearn_meta.parallel._pool import PoolError


class ScriptedCluster:
    """Records its calls, and hands out reports in the order in which they are added."""

    name = "scripted"

    def __init__(self, n_slots=2, versions=None):
        self.size = n_slots
        self.found = versions or {}
        self.reports = []
        self.calls = []
        self.log = []
        self.is_lost = False

    def n_slots(self):
        return self.size

    def versions(self):
        return self.found

    def start(self, setup, limit):
        self.log.append(("start", setup, limit))

    def poll(self, timeout):
        if self.is_lost:
            raise PoolError("The scripted cluster was lost.")
        reports, self.reports = self.reports, []
        return reports

    def call(self, slot, step):
        self.calls.append((slot, step))

    def interrupt(self, slot):
        self.log.append(("interrupt", slot))

    def replace(self, slot):
        self.log.append(("replace", slot))

    def close(self):
        self.log.append(("close",))

    # What a test says

    def ready(self, *slots):
        self.reports += [Ready(slot) for slot in slots]

    def answer(self, slot, *events):
        self.reports.append(Answer(slot, dumps(list(events))))


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def make_pool(*slots, limit=None, end=1e9):
    """Return a pool with ready slots, its cluster and its clock."""
    cluster, clock = ScriptedCluster(), Clock()
    pool = ClusterPool(cluster, "setup", limit=limit, clock=clock, end=end)
    pool.start()
    cluster.ready(*slots)
    pool.wait(0)
    return pool, cluster, clock
