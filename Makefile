# Every target makes what it needs: `make demo` on a fresh machine is enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install
STAMP := $(VENV)/.installed
LOCK := requirements.txt
UV := .venv-uv/bin/uv
DEMO := .demo
SIZE ?= small
PREFIX ?= /usr/local

.PHONY: help demo test test-newest test-oldest lock lint bench docs snapshots install-man soak clean system

help:
	@echo 'make demo         set everything up and see the main job on a real MongoDB'
	@echo 'make test         run the tests, against a real mongod; TESTS=PATHS for some of them'
	@echo 'make test-newest  the same with the newest dependencies that pyproject.toml allows'
	@echo 'make test-oldest  the same with the oldest ones'
	@echo 'make lint         ruff, mypy, and whether the generated files are fresh'
	@echo 'make bench        the speed table (ratios); SIZE=full is what the bars mean, ONLY="list get" some rows'
	@echo 'make soak         faults at random for an hour; PROJECTS_SOAK_SECONDS says otherwise'
	@echo 'make snapshots    write tests/render/snapshots/ anew: tables and help at four widths'
	@echo 'make docs         write completions/, docs/commands/, docs/man/, docs/options.md, docs/doctor.md anew'
	@echo 'make lock         write requirements.txt anew: the versions that the other targets install'
	@echo 'make install-man  put the manual pages under PREFIX (/usr/local), below DESTDIR where that is set'
	@echo 'make clean        remove what make made'

# The bundled mongod needs libcurl4, which a bare Debian lacks.
system:
	@sh docs/system-packages.sh

# An environment without pip is what an interrupted or failed `python -m venv` leaves. The locked pip and setuptools come
# first: the pip of the system may be old, and setuptools builds pyhocon, which has no wheel.
$(STAMP): $(LOCK) pyproject.toml hatch_build.py schema/projects.conf
	@echo 'Setting up: installing the dependencies in $(VENV), about a minute'
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is required: make PYTHON=FILE")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@awk '/^[a-z]/ { wanted = /^(pip|setuptools)==/ } wanted' $(LOCK) >$(VENV)/installers.txt
	@$(PIP) --require-hashes --requirement $(VENV)/installers.txt
	@$(PIP) --require-hashes --no-build-isolation --requirement $(LOCK)
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: system $(STAMP)
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh docs/demo.sh '$(CURDIR)/$(DEMO)'

test: system $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(TESTS)

# An environment of their own, made anew each time: what is newest changes.
RESOLUTION_newest := highest
RESOLUTION_oldest := lowest-direct
test-newest test-oldest: test-%: system $(UV)
	@echo 'Setting up: installing the $* dependencies in .venv-$*, about a minute'
	@$(UV) venv --quiet --clear --python $(PYTHON) .venv-$*
	@$(UV) pip install --quiet --python .venv-$* --resolution $(RESOLUTION_$*) --editable '.[local,dev]'
	.venv-$*/bin/python -m pytest -n 2 --dist loadgroup $(TESTS)

# For all supported versions of Python, on every platform, with hashes: any pip installs from it. UPGRADE= keeps what
# is locked already.
UPGRADE ?= --upgrade
lock: $(UV)
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
		--extra local --extra dev --custom-compile-command 'make lock' pyproject.toml --output-file $(LOCK)

$(UV):
	@$(PYTHON) -m venv --clear .venv-uv
	@.venv-uv/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.8,<1'

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tools --check

docs: $(STAMP)
	$(BIN)/python -m tools

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
	rm -rf $(VENV) .venv-uv .venv-newest .venv-oldest $(DEMO) build dist .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
