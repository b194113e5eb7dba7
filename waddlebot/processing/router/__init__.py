"""The router: decides what an event means and asks the right modules."""
