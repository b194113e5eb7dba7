"""Timed actions."""
