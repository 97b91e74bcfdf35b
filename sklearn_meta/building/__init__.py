"""How a knowledge base is filled: every pipeline of a pool on every table of a folder.

`_sources` reads tables, `_texts` reads pipelines, `_cells` scores one pipeline on one
table in a worker, `_metrics` turns its predictions into scores, `_builder` keeps the
workers busy and writes what they find, `_pruning` decides what ships.
"""
