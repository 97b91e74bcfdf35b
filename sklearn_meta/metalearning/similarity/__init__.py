"""Similarity of datasets by their meta-features."""
