"""How long a fit will take."""
