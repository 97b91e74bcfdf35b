"""How a search is shown: tables and progress."""
