"""What can go wrong with a request, in two kinds: we would not, or it did not work."""


class FetchError(Exception):
    """A request without an answer; its text says why and what to do, and holds no secret of the URL."""


class FetchRefusedError(FetchError):
    """We do not make this request: the address, scheme, port or form of the URL is not allowed."""


class FetchFailedError(FetchError):
    """We tried: no connection, too slow, too large, or not text."""
