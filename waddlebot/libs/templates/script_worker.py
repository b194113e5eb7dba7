"""The process that runs JavaScript, started by `script.py` by its path and alone in it.

It reads one JSON request a line, `{"source", "seed"}`, and answers one, `{"value"}` or `{"error"}`. Nothing of
WaddleBot is imported, the environment is empty, and each program gets a new engine.
"""

import contextlib
import importlib
import json
import sys
from typing import Any

RESULT_MAX = 5_000
MEMORY_MAX = 32 * 1024 * 1024
STACK_MAX = 512 * 1024
TIME_MAX_S = 1
PROCESS_MEMORY_MAX = 512 * 1024 * 1024

# Mulberry32, a public-domain generator: `Math.random` gives the same numbers when a delivery is repeated.
_PRELUDE = """(seed) => { Math.random = () => {
    seed = (seed + 0x6D2B79F5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296; }; }"""
# Indirect `eval` gives the program's last value, in a global scope of its own.
_RUN = """(source) => { const value = (0, eval)(source);
    if (value instanceof Promise) throw new Error("async code is not supported");
    return String(value).slice(0, %d).toWellFormed(); }"""


def confine() -> None:
    """Take from this process what the system lets us: memory, files, children. (Windows has no such calls.)"""
    with contextlib.suppress(ImportError):
        resource: Any = importlib.import_module("resource")
        for name, limit in (
            ("RLIMIT_AS", PROCESS_MEMORY_MAX),
            ("RLIMIT_FSIZE", 0),
            ("RLIMIT_NPROC", 0),
            ("RLIMIT_CORE", 0),
        ):
            if hasattr(resource, name):
                with contextlib.suppress(ValueError, OSError):
                    resource.setrlimit(getattr(resource, name), (limit, limit))


def run(quickjs: Any, source: str, seed: int) -> dict[str, str]:
    """Run one program in a new engine."""
    context = quickjs.Context()
    context.set_memory_limit(MEMORY_MAX)
    context.set_max_stack_size(STACK_MAX)
    context.eval(_PRELUDE)(seed)
    execute = context.eval(_RUN % RESULT_MAX)
    context.set_time_limit(TIME_MAX_S)
    try:
        return {"value": execute(source)}
    except quickjs.JSException as error:
        return {"error": str(error).split("\n", 1)[0][:200]}


def main() -> None:
    """Serve requests until the input ends."""
    quickjs: Any = importlib.import_module("quickjs")
    confine()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = run(quickjs, request["source"], request["seed"])
        except (MemoryError, ValueError, UnicodeError) as error:
            answer = {"error": f"the program was stopped: {type(error).__name__}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
