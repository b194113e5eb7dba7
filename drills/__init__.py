"""Fault drills: real bots, real faults, and books that must balance afterwards. ``python -m drills --list``."""
