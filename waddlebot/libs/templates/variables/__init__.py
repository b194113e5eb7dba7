"""The variables, by subject; `catalogue.py` puts them together."""
