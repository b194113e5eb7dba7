"""Reads Twitch chat."""
