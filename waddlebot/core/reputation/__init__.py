"""Reputation: a score of how somebody behaves, and points for how active they are."""
