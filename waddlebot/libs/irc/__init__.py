"""IRC as a client: lines, pacing, registration, and a connection that looks after itself.

Start in `client.py`. `twitch.py` holds what Twitch does differently. Nothing here knows WaddleBot's events.
"""
