"""Analytics: see ``module.py``."""
