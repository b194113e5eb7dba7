"""WaddleBot: one bot for a community that lives on many platforms at once."""
