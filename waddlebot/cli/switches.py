"""Which modules the operator's variables have switched on, and which variables would switch on the others."""

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
    infos = fields_of(module.config)
    found = []
    for probed in infos:
        # Made without its own checks, which would refuse the probe: the question is only what is looked at.
        config: Any = object.__new__(module.config)
        for info in infos:
            object.__setattr__(config, info.name, _PROBE if info is probed else info.default)
        if probed.default == "" and module.enabled(config):
            found.append(env_name(module.name, probed))
    return found
