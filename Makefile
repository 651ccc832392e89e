# Every target creates what it needs: `make demo` works on a fresh machine.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
STAMP := $(VENV)/.installed
LOCK := requirements.txt
UV := .venv-uv/bin/uv
DEMO := .demo
BUILT := projects_cli/cli/root_help.py
SIZE ?= small
# Tests of faults wait for servers most of the time: one process more than two cores keeps both busy.
WORKERS ?= 3
PREFIX ?= /usr/local
SUDO = $(shell [ "$$(id -u)" = 0 ] || echo 'sudo -n')
PYTHONS ?= 3.11 3.12 3.13 3.14

.PHONY: help demo test test-newest test-oldest test-pythons test-programs check-tag dist smoke lock lint bench docs site snapshots pictures install-man soak soak-kills clean system

help:
	@echo 'make demo           set everything up and demonstrate the tool on a real MongoDB'
	@echo 'make test           run the tests against a real mongod; TESTS=PATHS selects some'
	@echo 'make test-newest    the same with the newest dependencies that pyproject.toml allows'
	@echo 'make test-oldest    the same with the oldest ones'
	@echo 'make test-pythons   run the tests with every supported Python that is installed'
	@echo 'make lint           run ruff and mypy, and check that generated files are fresh'
	@echo 'make bench          print the performance table; SIZE=full for the real bars, ONLY="list get" for some rows'
	@echo 'make soak           inject random faults for an hour, or for PROJECTS_SOAK_SECONDS'
	@echo 'make soak-kills     kill moves and merges of a large tree at random writes, for as long'
	@echo 'make snapshots      regenerate tests/render/snapshots/, and the output that README.md and docs/recipes.md show'
	@echo 'make pictures       regenerate docs/images/: a report on the sample, in a headless Chromium'
	@echo 'make docs           regenerate completions/, docs/commands/, docs/options.md, docs/doctor.md, the picture in README.md, and the module map'
	@echo 'make site           build the documentation as a site in site/'
	@echo 'make lock           regenerate requirements.txt, the versions that the other targets install'
	@echo 'make test-programs  install the programs that some tests need: zsh, fish, groff, Chromium (Debian)'
	@echo 'make dist           build the wheel and the source distribution in dist/, and check their metadata'
	@echo 'make smoke          install that wheel into an empty environment, and use it there'
	@echo 'make install-man    build the manual pages and install them under PREFIX (/usr/local), below DESTDIR if that is set'
	@echo 'make clean          remove everything that make created'

# The bundled mongod needs libcurl4, which a bare Debian lacks.
system:
	@sh docs/system-packages.sh

# An environment without pip is left by an interrupted or failed `python -m venv`. The locked pip and setuptools are
# installed first: the system's pip may be old, and setuptools builds pyhocon, which has no wheel.
$(STAMP): $(LOCK) pyproject.toml hatch_build.py schema/projects.conf projects_cli/schema/compiler.py projects_cli/schema/cache.py
	@echo 'Setting up: installing the dependencies in $(VENV), about a minute'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: make PYTHON=FILE")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@awk '/^[a-z]/ { wanted = /^(pip|setuptools)==/ } wanted' $(LOCK) >$(VENV)/installers.txt
	@$(PIP) --require-hashes --requirement $(VENV)/installers.txt
	@$(PIP) --require-hashes --no-build-isolation --requirement $(LOCK)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# Files that git ignores: the build hook has written them, and a source may be newer.
$(BUILT): $(STAMP) $(shell find projects_cli tools -name '*.py' ! -path '*/shipped/*' ! -name root_help.py)
	@$(BIN)/python -m tools.built

demo: system $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh '$(CURDIR)/$(DEMO)'

test: system $(STAMP) $(BUILT)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

# Without these programs the tests of completion and of manuals are skipped.
test-programs:
	@command -v zsh && command -v fish && command -v groff && command -v chromedriver || { $(SUDO) apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get -qq install --yes zsh fish groff-base locales chromium chromium-driver; }

# A fresh environment each time, because the newest versions change.
RESOLUTION_newest := highest
RESOLUTION_oldest := lowest-direct
test-newest test-oldest: test-%: system $(UV)
	@echo 'Setting up: installing the $* dependencies in .venv-$*, about a minute'
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-$*
	@$(UV) pip install --quiet --python .venv-$* --resolution $(RESOLUTION_$*) --editable '.[local,dev]'
	.venv-$*/bin/python -m pytest -n $(WORKERS) --dist loadgroup $(TESTS)

test-pythons: system
	@for version in $(PYTHONS); do \
		command -v python$$version >/dev/null || { echo "Python $$version is not installed: skipped"; continue; }; \
		$(MAKE) test VENV=.venv-$$version PYTHON=python$$version || exit; \
	done

# Before a release: the tag is that of this version.
check-tag: $(STAMP)
	@test '$(TAG)' = "v$$($(BIN)/projects --version | cut -d ' ' -f 2)" || \
		{ echo "the tag '$(TAG)' is not that of $$($(BIN)/projects --version)"; exit 1; }

dist: $(STAMP) $(UV)
	@rm -rf dist
	$(BIN)/python -m hatchling build --directory dist
	$(UV) tool run --quiet 'twine>=6.1,<7' check --strict dist/*

# An empty environment, with the newest dependencies, as a new user gets it.
smoke: system dist
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-smoke
	@$(UV) pip install --quiet --python .venv-smoke "$$(echo dist/*.whl)[local]"
	sh packaging/smoke.sh '$(CURDIR)/.venv-smoke/bin/projects'

# For all supported Python versions, on every platform, with hashes: any pip can install it. UPGRADE= keeps the versions
# that are locked already.
UPGRADE ?= --upgrade
lock: $(UV)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
		--extra local --extra dev --custom-compile-command 'make lock' pyproject.toml --output-file $(LOCK)

$(UV):
	@$(PYTHON) -m venv --clear .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'

# The picture in README.md is that of real output: `system` provides what its database needs.
lint: system $(STAMP) $(BUILT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools --check
	$(BIN)/python -m tools.module_map --check
	$(BIN)/python -m tools.terminal_picture --check
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml .github/workflows/publish.yml

docs: system $(STAMP)
	$(BIN)/python -m tools
	$(BIN)/python -m tools.module_map
	$(BIN)/python -m tools.terminal_picture

site: $(STAMP)
	$(BIN)/python -m tools.site

# Tables and help, for tests/render/test_snapshots.py. Review the difference before you commit it.
snapshots: $(STAMP)
	RENEW_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/render/test_snapshots.py tests/cli/test_sessions.py

# Needs Chromium and its driver (Debian: chromium-driver).
pictures: system $(STAMP)
	$(BIN)/python -m tools.pictures

# The build hook writes the same pages into a wheel.
install-man: $(STAMP)
	$(BIN)/python -m tools.manual build/man
	install -d '$(DESTDIR)$(PREFIX)/share/man/man1'
	install -m 644 build/man/*.1 '$(DESTDIR)$(PREFIX)/share/man/man1'

bench: system $(STAMP)
	$(BIN)/python -m benchmarks --size $(SIZE) $(if $(ONLY),--only $(ONLY))

# An hour, or PROJECTS_SOAK_SECONDS.
soak: system $(STAMP)
	$(BIN)/python -m tests.faults.soak

soak-kills: system $(STAMP)
	$(BIN)/python -m tests.faults.kills

clean:
	rm -rf $(VENV) .venv-* $(DEMO) build dist site .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
