# Two targets for a newcomer: `make demo` shows what this does, `make test` proves that it works here.
# Both create .venv first; nothing outside this folder changes, except for system libraries where you may install them.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test pictures lint environment system-libraries clean

# With a screen and a person before it, napari then opens the results beside the docks.
demo: environment
	$(BIN)/napari-emrestore demo --output demo
	@if [ -t 1 ] && { [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" = Darwin ]; }; then \
		$(BIN)/napari demo/truth.ome.tif demo/stream.ome.tif demo/restored.ome.tif \
			--plugin napari-emrestore --with napari-emrestore "Compare images" "Restore images"; \
	fi

test: environment
	sh .ci/with-screen $(BIN)/python -m pytest

# The pictures of the documentation, taken from the running program.
pictures: environment
	sh .ci/with-screen $(BIN)/python docs/make_pictures.py

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

environment: system-libraries $(STAMP)

# The stamp is written last, so an interrupted installation is taken up again.
$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name one with: make PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[all,dev]"
	@touch $(STAMP)

system-libraries:
	@sh .ci/system-libraries

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
