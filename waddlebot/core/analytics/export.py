"""Tables as CSV, for spreadsheets."""

import csv
import io
from collections.abc import AsyncGenerator, Sequence
from typing import Any

ROWS_IN_CHUNK = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # spreadsheets take wide ones, too


def cell(value: Any) -> Any:
    """A value that no spreadsheet takes for a formula: texts that look like one begin with an apostrophe.

    As OWASP says (https://owasp.org/www-community/attacks/CSV_Injection). Numbers of ours are numbers.
    """
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


async def csv_chunks(heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> AsyncGenerator[bytes]:
    """RFC 4180 in UTF-8: a heading, lines that end with CR LF, texts in quotes; an unknown number is empty."""
    for start in range(0, max(len(rows), 1), ROWS_IN_CHUNK):
        text = io.StringIO(newline="")
        writer = csv.writer(text, quoting=csv.QUOTE_NOTNULL, lineterminator="\r\n")
        if not start:
            writer.writerow(heading)
        for row in rows[start : start + ROWS_IN_CHUNK]:
            writer.writerow([cell(value) for value in row])
        yield text.getvalue().encode()
