"""Our own cases, a module each: a file put here is a case, and its name the case's name.

    from benchmarks.measuring import main

    def measure(quick: bool) -> dict[str, float | int | str]:
        ...
        return {"things_per_s": count / elapsed_s, "checked": count}

    if __name__ == "__main__":
        main(measure)

Names of figures end in their unit (`rounds.UNITS`) and become keys of `results.json`, so no two cases share one.
`measure` raises if the work was not done as it should be: a figure without a check counts for nothing.
"""
