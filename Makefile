# Every command a developer needs. `make` alone lists them; each installs what it lacks by itself.

SHELL = /bin/sh
BIN = .venv/bin
# A developer's environment runs the bot as well; everybody else gets the lean one.
RUN_VENV := $(if $(wildcard .venv/ready),.venv,.venv-run)
CODE := conftest.py waddlebot tests deploy $(wildcard benchmarks drills fuzz)
# Lines of these that tests must have run, in percent of each.
COVERED = libs runtime processing
COVERAGE_MIN = 90

.PHONY: help run venv test check fmt tests coverage docs docs-check images bench drill fuzz lock peers clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' Makefile

run: $(RUN_VENV)/ready  ## start the bot (MODULES="core.community poller.irc" starts only these)
	@exec $(RUN_VENV)/bin/python -m waddlebot run $(MODULES)

venv: .venv/ready  ## the whole development environment, in .venv

.venv/ready: requirements/dev.txt pyproject.toml .version
	@scripts/make-venv .venv requirements/dev.txt

.venv-run/ready: requirements/run.txt pyproject.toml .version
	@scripts/make-venv .venv-run requirements/run.txt

# Programs that look at deploy/ and config/; they pin what the others need newer.
.venv-checks/ready: requirements/checks.txt
	@scripts/make-venv .venv-checks requirements/checks.txt tools

test: peers check docs-check tests coverage  ## everything that must hold: checks, docs, tests, coverage
	@echo "make test: all good."

check: .venv/ready  ## static checks: ruff, mypy, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CODE)
	@$(BIN)/lint-imports --no-logo

fmt: .venv/ready  ## format the code and mend what ruff can
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

tests: .venv/ready .venv-checks/ready peers
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(PYTEST)

coverage: tests
	@$(BIN)/coverage combine --quiet
	@for part in $(COVERED); do \
	    echo "Coverage of waddlebot/$$part:"; \
	    $(BIN)/coverage report --include="waddlebot/$$part/*" --fail-under=$(COVERAGE_MIN) || exit; \
	done

docs: .venv/ready  ## write docs/reference, the protos and the files of deploy anew from the code
	@$(BIN)/python -m waddlebot.docs docs/reference
	@$(BIN)/python -m waddlebot.docs.protos
	@$(BIN)/python -m deploy

docs-check: .venv/ready
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(BIN)/python -m waddlebot.docs "$$fresh" && { diff -r docs/reference "$$fresh" || \
	{ echo "docs/reference is stale: run make docs and commit what it writes." >&2; exit 1; }; }
	@$(BIN)/python -m waddlebot.docs.protos --check

images: .venv/ready  ## build the image of every module and start each (MODULES="core.community" only these)
	@$(BIN)/python -m deploy.images $(MODULES)

bench: .venv/ready  ## measure against the peers; writes benchmarks/results.json
	@$(BIN)/python -m benchmarks

drill: .venv/ready peers  ## all fault drills (DRILL=NAME runs one family); writes drills/results.json
	@$(BIN)/python -m drills $(DRILL)

fuzz: .venv/ready  ## feed every door bad input (TARGET=NAME for one, SECONDS=60 for each)
	@$(BIN)/python -m fuzz $(TARGET) --seconds $(or $(SECONDS),60)

lock:  ## update the locked dependencies
	@scripts/lock

peers:
	@scripts/install-test-peers

clean:  ## remove everything that make made
	rm -rf .venv .venv-run .venv-checks .images .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    .import_linter_cache .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
