"""Where tasks run: worker processes, or this process."""
