"""Receivers turn a platform's webhooks or gateway into events."""
