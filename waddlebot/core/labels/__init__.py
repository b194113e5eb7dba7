"""Labels: short words on communities, modules, people and whatever modules keep."""
