"""Reads IRC networks."""
