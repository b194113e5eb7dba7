"""Security: warnings, timeouts and bans of people, each with its reason and its way back."""
