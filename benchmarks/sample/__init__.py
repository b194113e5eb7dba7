"""Modules that exist for measuring alone: discovery does not find them, a benchmark's host is given them."""
