"""Finds the modules there are: our own package, and packages that announce ``waddlebot.modules``."""

import importlib
import pkgutil
from collections.abc import Iterator
from importlib.metadata import entry_points

from waddlebot.libs.sdk.module import KINDS, SDK_API, Module

ENTRY_POINT_GROUP = "waddlebot.modules"


class DiscoveryError(Exception):
    """A module that cannot be used; the text names it and says what its author must do."""


def discover() -> dict[str, Module]:
    """All modules by name. Raises :class:`DiscoveryError` for two of one name or a foreign SDK version."""
    found: dict[str, Module] = {}
    for module in (*_own(), *_foreign()):
        if module.sdk_api != SDK_API:
            raise DiscoveryError(
                f"{module.name} was written for SDK API {module.sdk_api}; this WaddleBot has {SDK_API}. "
                "Install a release of it that fits."
            )
        if module.name in found:
            raise DiscoveryError(f"two modules are called {module.name}; uninstall one of their packages.")
        found[module.name] = module
    return dict(sorted(found.items()))


def _own() -> Iterator[Module]:
    for kind in KINDS:
        try:
            package = importlib.import_module(f"waddlebot.{kind}")
        except ModuleNotFoundError as error:
            if error.name != f"waddlebot.{kind}":
                raise
            continue
        yield from _below(package.__name__, list(package.__path__))


def _below(package: str, path: list[str]) -> Iterator[Module]:
    inside = list(pkgutil.iter_modules(path))
    if any(found.name == "module" and not found.ispkg for found in inside):
        module = getattr(importlib.import_module(f"{package}.module"), "module", None)
        if not isinstance(module, Module):
            raise DiscoveryError(f"{package}.module declares no `module = Module(__name__, …)`.")
        yield module
        return
    for found in inside:
        if found.ispkg:
            name = f"{package}.{found.name}"
            yield from _below(name, list(importlib.import_module(name).__path__))


def _foreign() -> Iterator[Module]:
    for point in entry_points(group=ENTRY_POINT_GROUP):
        try:
            module = point.load()
        except Exception as error:
            raise DiscoveryError(f"the module package {point.value} cannot be imported: {error}") from error
        if not isinstance(module, Module):
            raise DiscoveryError(f"the entry point {point.value} is no waddlebot Module.")
        yield module
