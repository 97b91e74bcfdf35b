"""A pool whose tasks report what a script says, one batch of events in each wait."""

from sklearn_meta.parallel._pool import Done, Place


class ScriptedPool:
    """Holds tasks, and hands out their events in the order of the script.

    Parameters
    ----------
    n_workers : int
    script : mapping of hashable to list of list, default=()
        Batches of events by the id of the task; `Done` alone by default.
    """

    def __init__(self, n_workers=1, script=()):
        self.n_workers = n_workers
        self.script = dict(script)
        self.place = Place.WORKER
        self.running = {}
        self.log = []
        self.waits = []

    def clock(self):
        return 0.0

    @property
    def n_idle(self):
        return self.n_workers - len(self.running)

    def start(self):
        self.log.append(("start",))

    def submit(self, task):
        assert self.n_idle > 0 and task.id not in self.running
        self.log.append(("submit", task.id))
        batches = self.script.get(task.id, [[Done(task.id)]])
        self.running[task.id] = [list(batch) for batch in batches]

    def wait(self, timeout):
        self.waits.append(timeout)
        events = []
        for task_id, batches in list(self.running.items()):
            if batches:
                events += batches.pop(0)
            if not batches:
                self.running.pop(task_id, None)
        return events

    def postpone(self, task_id, deadline):
        self.log.append(("postpone", task_id, deadline))

    def cancel(self, task_id):
        self.log.append(("cancel", task_id))
        self.running.pop(task_id, None)

    def close(self):
        self.log.append(("close",))
        self.running.clear()
