"""Templates for custom commands, aliases, timers and the replies of modules.

    template = compile_template("Hello {user}!")
    template.render(Scope(user=Person("Bob")))  # "Hello Bob!"

One tree for several languages (`syntax.Dialect`); names and meanings in `catalogue.VARIABLES`; what a template
may ask the world in `ports`; what leaves for chat goes through `safe_reply`.
"""

from waddlebot.libs.templates.errors import Problem, ProblemKind, TemplateError
from waddlebot.libs.templates.ports import Ports, Service, ServiceError
from waddlebot.libs.templates.safety import safe_reply
from waddlebot.libs.templates.scope import Person, Place, Scope
from waddlebot.libs.templates.syntax import Dialect
from waddlebot.libs.templates.template import Template, compile_template

__all__ = [
    "Dialect",
    "Person",
    "Place",
    "Ports",
    "Problem",
    "ProblemKind",
    "Scope",
    "Service",
    "ServiceError",
    "Template",
    "TemplateError",
    "compile_template",
    "safe_reply",
]
