"""Modules that answer users."""
