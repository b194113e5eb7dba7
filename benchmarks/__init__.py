"""Speed, latency, growth and memory of WaddleBot, measured beside its peers (`make bench`).

Everything that a peer's process imports (`corpus`, `machine`, `peers.driving`) uses the standard library alone,
because it runs in the peer's own environment.
"""
