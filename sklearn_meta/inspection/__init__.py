"""Tables and progress display of a search."""
