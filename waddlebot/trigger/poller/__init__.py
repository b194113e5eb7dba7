"""Pollers watch sources."""
