.DEFAULT_GOAL := help
.PHONY: help demo demo-fleet test test-all torture torture-fleet fuzz pages docs dist messages screenshot check lock bench bench-quick

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
READY_DEV := .venv/ready-dev

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

define set_up
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	@echo 'Setting up .venv, once'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
endef

$(READY): requirements.txt pyproject.toml
	$(set_up)
	@touch $@

# What developers need has what users need.
$(READY_DEV): requirements-dev.txt pyproject.toml
	$(set_up)
	@touch $(READY) $@

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

demo-fleet: $(READY_DEV)  ## send the sheets of twelve brands by two workers, one of which is killed
	$(BIN)/python -m tools.demo_fleet

test: $(READY_DEV)  ## run the tests that take minutes together
	@# The command is started some hundred times; compiled, it starts a fifth sooner.
	@$(BIN)/python -m compileall -q -j 0 importer schemas
	@# More workers than processors: what is tested waits for disks and for other processes.
	@# Tests are kept compiled, whatever the environment says: each worker loads all of them.
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -m "not slow" -n $$($(PYTHON) -c 'import os; print(os.cpu_count() + 2)') --dist worksteal --cov --cov-report=term --cov-fail-under=95

test-all: $(READY_DEV)  ## run all tests, those that take long included
	@# As many workers as processors: a browser that waits for its turn fails for no fault of ours.
	$(BIN)/python -m pytest -n $$($(PYTHON) -c 'import os; print(os.cpu_count())') --dist worksteal

torture: $(READY_DEV)  ## kill the command 2,000 times: no row twice, none lost
	$(BIN)/python -m tools.crash_test --kills 2000

torture-fleet: $(READY_DEV)  ## kill the workers of 200 brands 50 times: nobody twice, nobody lost
	$(BIN)/python -m tools.torture_fleet --brands 200 --kills 50

fuzz: $(READY_DEV)  ## read damaged sheets, results and answers for ten minutes
	$(BIN)/python -m tools.fuzz --minutes 10

pages: $(READY_DEV)  ## write anew what README and docs show of the program
	$(BIN)/python -m tools.pages

messages: $(READY_DEV)  ## bring the translations in importer/locales up to date
	$(BIN)/python -m tools.messages

docs: $(READY_DEV)  ## build the documentation as a site, in build/site
	$(BIN)/zensical build --strict --clean

screenshot: $(READY_DEV)  ## take the pictures in docs/images anew (needs chromium)
	$(BIN)/python -m tools.screenshot
	$(BIN)/python -m tools.page_pictures

check: $(READY_DEV)  ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

DIST := build/dist-tools
$(DIST)/ready: tools/dist-requirements.txt
	$(PYTHON) -m venv $(DIST)
	$(DIST)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

dist: $(READY_DEV) $(DIST)/ready  ## build sdist and wheel, try the wheel, write SBOM and checksums
	PATH="$$PWD/$(DIST)/bin:$$PATH" $(BIN)/python -m tools.dist --python python3.11 --python python3.12 --python python3.13

LOCK := uv pip compile --quiet --universal --no-strip-extras --generate-hashes --no-header --no-emit-index-url --python-version 3.11
lock:  ## renew requirements-dev.txt and requirements.txt (needs uv)
	$(LOCK) --group dev --all-extras pyproject.toml -o requirements-dev.txt
	$(LOCK) --group build pyproject.toml -c requirements-dev.txt -o requirements.txt

BENCH := build/bench
$(BENCH)/ready: benchmarks/requirements.txt requirements.txt
	@# What users have: pandera imports more where the tools of developers are installed.
	$(PYTHON) -m venv $(BENCH)/user
	$(BENCH)/user/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BENCH)/user/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(PYTHON) -m venv $(BENCH)/venv
	$(BENCH)/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r benchmarks/requirements.txt
	@# Yardsticks that need a registry of their own: where it can't be reached, the table says so.
	command -v newman || npm install --silent --no-fund --no-audit --prefix $(BENCH) newman@6.2.2 || true
	command -v wrk || (cd $(BENCH) && apt-get download wrk libluajit-5.1-2 && for each in *.deb; do dpkg -x $$each .; done) || true
	@touch $@

bench: $(READY_DEV) $(BENCH)/ready  ## how fast we are beside what people use instead (twenty minutes)
	$(BIN)/python -m benchmarks

bench-quick: $(READY_DEV) $(BENCH)/ready  ## the same with fewer rows and rounds (one minute)
	$(BIN)/python -m benchmarks --quick
