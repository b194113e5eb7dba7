"""Says replies on IRC."""
