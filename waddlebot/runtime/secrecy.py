"""Which values an operator sets are nobody's business: what log lines, traces and messages must not show."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from waddlebot.libs.sdk.fields import FieldError, value_of
from waddlebot.libs.sdk.module import Module
from waddlebot.runtime.environment import variables

# From the user's colon to an @. By RFC 3986 (3.2.1) a password holds none of @, /, ? and #, but people forget to
# encode them; so both the first @ and the last one of a word end a candidate, whatever stands before it.
_PASSWORDS = (re.compile(r"://[^\s:@]*:([^\s@]+)@"), re.compile(r"://[^\s:@]*:(\S+)@"))


def secrets_of(modules: Mapping[str, Module], environ: Mapping[str, str]) -> Iterator[str]:
    """The values of secret variables, and the passwords inside any variable's URLs, as written and decoded."""
    for _, name, info in variables(modules):
        try:
            value = value_of(info, name, environ).strip()
        except FieldError:
            continue  # a file that cannot be read gives nothing away, and the start says so
        if info.field.secret and value:
            yield value
        for pattern in _PASSWORDS:
            for password in pattern.findall(value):
                yield password
                yield unquote(password)
