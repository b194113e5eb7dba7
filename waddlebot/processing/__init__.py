"""Modules that decide what an event means."""
