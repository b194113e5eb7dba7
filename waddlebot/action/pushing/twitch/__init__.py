"""Says replies in Twitch chat."""
