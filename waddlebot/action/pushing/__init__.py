"""Modules that deliver to platforms and outside systems."""
