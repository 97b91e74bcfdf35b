"""The knowledge base: datasets, pipelines, and how these did on those."""
