"""No community sees or changes what is another's, whichever store method, route or contract it asks."""
