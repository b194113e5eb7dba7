"""Modules that keep a community safe."""
