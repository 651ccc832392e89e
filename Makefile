# Every target makes what it needs: `make demo` on a fresh machine is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := $(CURDIR)/.demo

.PHONY: help demo test lint bench completions clean system

help:
	@echo 'make demo         set everything up and see the main job on a real MongoDB'
	@echo 'make test         run the tests, against a real mongod'
	@echo 'make lint         ruff, mypy, and whether the generated files are fresh'
	@echo 'make bench        the speed table (ratios)'
	@echo 'make completions  write completions/ anew'
	@echo 'make clean        remove what make made'

# The bundled mongod needs libcurl4, which a bare Debian lacks.
system:
	@sh docs/system-packages.sh

$(STAMP): pyproject.toml hatch_build.py schema/projects.conf
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
	$(BIN)/python -m projects_cli.cli.completion --check
	$(BIN)/python -m projects_cli.cli.help_file --check

completions: $(STAMP)
	$(BIN)/python -m projects_cli.cli.completion
	$(BIN)/python -m projects_cli.cli.help_file

bench: system $(STAMP)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(DEMO) build dist .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
