"""Fill a knowledge base: every pipeline of a pool on every table of a folder.

`_command` is the command line, `_sources` reads tables, `_pipeline_pool` reads
pipelines, `_builder` schedules the work and writes the results, `_worker_tasks` are the
functions that the workers run, `_provenance` documents how a file was built, `_pruning`
selects the pipelines that ship.
"""
