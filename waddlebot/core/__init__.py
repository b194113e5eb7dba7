"""Core services: people, communities and what they have."""
