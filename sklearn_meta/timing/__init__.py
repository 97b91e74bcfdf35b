"""Prediction of fit times."""
