"""An outside author's package: found by its entry point, as any other would be."""
