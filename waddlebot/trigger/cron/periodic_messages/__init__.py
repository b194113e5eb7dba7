"""Messages that the bot says by itself, by interval or calendar."""
