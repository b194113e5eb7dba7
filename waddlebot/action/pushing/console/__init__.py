"""Hands replies to the console's window."""
