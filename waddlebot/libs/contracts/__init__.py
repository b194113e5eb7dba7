"""What core services promise, as typed classes."""
