"""Books what happened, so that a drill can count it."""
