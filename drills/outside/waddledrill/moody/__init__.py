"""Answers as modules should not."""
