"""Content filter: what may not be said, and what is done when it is."""
