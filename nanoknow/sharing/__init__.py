"""Runs in the formats of other software."""
