"""Modules through which events come in."""
