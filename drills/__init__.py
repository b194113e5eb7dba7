"""Fault drills: real bots, real faults, and books that must balance afterwards. ``python -m drills --list``.

A family is a drill on an engine, or of a bot of several processes on PostgreSQL, Valkey and gRPC. Load goes to a
router that says by ``/health/ready`` that it is ready, as a load balancer would send it.
"""
