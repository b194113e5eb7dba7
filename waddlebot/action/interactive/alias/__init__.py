"""Aliases and custom commands: what communities teach the bot to answer."""
