"""The AAA log lines: authentication, authorisation and audit, buffered.

:func:`setup` is called once, by whoever owns the process; modules log by the standard ``logging`` API and
report what concerns accounts and rights by :func:`event`.
"""

from waddlebot.libs.audit.lines import Category
from waddlebot.libs.audit.log import FORMS, AuditLog, event, setup
from waddlebot.libs.audit.redact import Redactor

__all__ = ["FORMS", "AuditLog", "Category", "Redactor", "event", "setup"]
