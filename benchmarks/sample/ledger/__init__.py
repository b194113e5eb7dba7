"""Commands that do next to nothing, with and without a durable effect."""
