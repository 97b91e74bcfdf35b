"""Pools that run tasks in worker processes or in this process."""
