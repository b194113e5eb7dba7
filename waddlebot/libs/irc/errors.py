"""What can go wrong on IRC, in words for the operator."""


class IrcError(Exception):
    """Any failure of this package; its text says what happened and, where known, what to do."""


class UrlError(IrcError, ValueError):
    """A part of an IRC URL is wrong; the text names the part and never holds the password."""


class LoginError(IrcError):
    """The server will not let us in with these credentials; trying again at once would only make it worse."""


class LinkError(IrcError):
    """The connection broke, or never came to be; a new one may be tried."""


class SendError(IrcError):
    """A message was not sent and never will be: the link is down, the queue full, or the target none."""
