"""Short codes that somebody reads in one place and types in another."""

import hashlib
from random import Random

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without 0 and O, 1 and I: nobody should have to guess what they read."""

LENGTH = 6
"""30 bits: five tries of a code guess it once in 200 million times."""


def new_code(random: Random) -> str:
    """A code; ``ctx.random`` makes a re-run of the same delivery show the same one."""
    return "".join(random.choice(ALPHABET) for _ in range(LENGTH))


def digest_of(secret: bytes, code: str, *whose: str) -> str:
    """What is stored in a code's place: without the installation's secret nobody finds the code that it is of.

    ``whose`` binds it to whom and what it is for. A code may be typed in small letters.
    """
    text = "\n".join((*whose, code.strip().upper()))
    return hashlib.blake2b(text.encode(), key=secret, digest_size=32).hexdigest()
