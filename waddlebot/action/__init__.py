"""Modules that act."""
