"""Which modules are here, and what bus, endpoint and database really are."""
