"""What modules are written with. Nothing here knows a module or where it runs."""
