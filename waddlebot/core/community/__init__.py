"""Communities: their entities, members, ranks, settings, switches and command overrides."""
