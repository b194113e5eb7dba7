"""Writes the reference pages from what the code declares, so that they cannot be wrong about it."""
