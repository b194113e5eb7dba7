"""Test kit: talking tests, real servers as fixtures."""
