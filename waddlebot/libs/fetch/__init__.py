"""Requests to addresses that users typed: to public hosts only, small, and soon over.

`Fetcher` is for custom APIs, feeds, avatars, webhooks: every place where the address comes from outside. A
`Policy` holds the limits; `public_address` says which addresses count as public.
"""

from waddlebot.libs.fetch.address import Address, check_url, public_address
from waddlebot.libs.fetch.client import Fetched, Fetcher, Policy, Resolve, system_resolve
from waddlebot.libs.fetch.errors import FetchError, FetchFailedError, FetchRefusedError

__all__ = [
    "Address",
    "FetchError",
    "FetchFailedError",
    "FetchRefusedError",
    "Fetched",
    "Fetcher",
    "Policy",
    "Resolve",
    "check_url",
    "public_address",
    "system_resolve",
]
