"""Bad input for every door: `python -m fuzz` looks for it, `tests/test_fuzz_corpus.py` replays what was found."""
