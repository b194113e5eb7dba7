"""The console: a chat window that behaves like a platform."""
