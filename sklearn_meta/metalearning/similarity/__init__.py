"""Which known datasets are like a new one."""
