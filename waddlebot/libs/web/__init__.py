"""HTTP: API keys, routes from manifests, OpenAPI, the server.

For a host: :class:`KeyRing`, :class:`Gate`, :class:`Health`, :class:`Site` and :func:`create_app` make the
application, :class:`WebServer` serves it. For modules: :class:`Page`, :class:`Stream`, :class:`Download`,
:class:`Template` and :class:`HttpError`; for bare doors see ``libs.web.doors``. Light to import: the web framework
and the server are loaded when the first request needs them, or by ``app.warm()``.
"""

from waddlebot.libs.web.answers import Download, Page, Stream, Template
from waddlebot.libs.web.app import WebApp, create_app
from waddlebot.libs.web.config import WebConfig
from waddlebot.libs.web.errors import HttpError
from waddlebot.libs.web.gate import Gate
from waddlebot.libs.web.health import CheckFailed, Health
from waddlebot.libs.web.keys import KeyInfo, KeyStore
from waddlebot.libs.web.ring import KeyRing
from waddlebot.libs.web.server import AddressError, WebServer
from waddlebot.libs.web.site import HttpModule, Site

__all__ = [
    "AddressError", "CheckFailed", "Download", "Gate", "Health", "HttpError", "HttpModule", "KeyInfo", "KeyRing",
    "KeyStore", "Page", "Site", "Stream", "Template", "WebApp", "WebConfig", "WebServer", "create_app",
]  # fmt: skip
