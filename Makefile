.DEFAULT_GOAL := help
.PHONY: help demo test torture readme messages screenshot check lock bench bench-quick

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@echo 'Setting up .venv, once'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

# Exit code 1: some rows need a person, which is what the sample is there to show.
demo: $(READY)  ## import a real-shaped sample into a Clopos on this machine
	@echo 'clopos-import run samples/exports/az-excel.csv --sandbox'; echo
	@$(BIN)/clopos-import run samples/exports/az-excel.csv --sandbox --yes \
	  --results demo/results.csv --report demo/report.html || test $$? -eq 1
	@echo
	@echo 'demo/results.csv   the sheet again, with what became of every row in front'
	@echo 'demo/report.html   the same as a page to be passed on: open it in a browser'
	@echo
	@echo 'Your own list: $(BIN)/clopos-import check FILE sends nothing and says what is wrong with it.'

test: $(READY)  ## run all tests
	@# One worker more than processors: what is tested waits for disks and for other processes.
	$(BIN)/python -m pytest -n $$($(PYTHON) -c 'import os; print(os.cpu_count() + 1)') --dist worksteal --cov --cov-report=term --cov-fail-under=95

torture: $(READY)  ## kill the command 2,000 times: nobody twice, nobody lost
	$(BIN)/python -m tools.crash_test --kills 2000

readme: $(READY)  ## write anew what README's commands print
	$(BIN)/python -m tools.pages

messages: $(READY)  ## bring the translations in importer/locales up to date
	$(BIN)/python -m tools.messages

screenshot: $(READY)  ## take docs/images/report.png anew (needs chromium)
	$(BIN)/python -m tools.screenshot

check: $(READY)  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: ## renew requirements.txt (needs uv)
	uv pip compile --quiet --universal --no-strip-extras --generate-hashes --no-header --python-version 3.11 --group dev --all-extras pyproject.toml -o requirements.txt

BENCH := build/bench
$(BENCH)/ready: benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)/venv
	$(BENCH)/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@# Yardsticks that need a registry of their own: where it can't be reached, the table says so.
	command -v newman || npm install --silent --no-fund --no-audit --prefix $(BENCH) newman@6.2.2 || true
	command -v wrk || (cd $(BENCH) && apt-get download wrk libluajit-5.1-2 && for each in *.deb; do dpkg -x $$each .; done) || true
	@touch $@

bench: $(READY) $(BENCH)/ready  ## how fast we are beside what people use instead (five minutes)
	$(BIN)/python -m benchmarks

bench-quick: $(READY) $(BENCH)/ready  ## the same with fewer rows and rounds (one minute)
	$(BIN)/python -m benchmarks --quick
