"""How people who manage communities sign in, and what they can do about it."""
