"""Knowledge base: its file, records, metrics and score matrices."""
