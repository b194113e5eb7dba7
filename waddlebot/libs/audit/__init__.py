"""The AAA log lines: authentication, authorisation and audit, buffered."""
