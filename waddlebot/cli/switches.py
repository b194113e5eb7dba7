"""Which modules the operator's variables have switched on, and which variables would switch on the others."""

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from waddlebot.libs.sdk.fields import FieldError, env_name, fields_of, from_environment
from waddlebot.libs.sdk.module import Module
from waddlebot.runtime.host import is_configured

_PROBE = "x"


def state_of(module: Module, environ: Mapping[str, str]) -> str:
    """``on``; what to set to switch the module on; or what is wrong with what is set."""
    try:
        config = from_environment(module.config, module.name, environ) if module.config else None
        if is_configured(module, config):
            return "on"
    except (FieldError, ValueError) as error:
        return f"wrong: {error}"
    return f"off: set {' or '.join(switches_of(module)) or 'its variables'}"


def switches_of(module: Module) -> list[str]:
    """The variables each of which is enough to switch the module on. Found by asking the module itself."""
    if module.config is None or module.enabled is None:
        return []
    found = []
    for info in fields_of(module.config):
        with contextlib.suppress(FieldError, ValueError, TypeError):
            empty: Any = from_environment(module.config, module.name, {})
            if info.default == "" and module.enabled(dataclasses.replace(empty, **{info.name: _PROBE})):
                found.append(env_name(module.name, info))
    return found
