"""A pusher that counts what it is given, in place of one that speaks to a platform."""
