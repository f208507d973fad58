# make demo: one night, end to end.  make test: everything that is checked.  Both make .venv first.
PYTHON ?= python3
# How many tests run at a time, each on its share of the cores.
AT_A_TIME ?= 2
RUN := .venv/bin/python -m
# llama.cpp without what it has for pictures and sound: that saves some minutes of compiling.
export CMAKE_ARGS := -DLLAVA_BUILD=OFF $(CMAKE_ARGS)

.PHONY: demo test check clean
demo: .venv/.installed
	$(RUN) daemon demo

test: check
	$(RUN) pytest -q -n $(AT_A_TIME) --dist loadfile --no-loadscope-reorder

check: .venv/.installed
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tsubasa needs Python 3.11 or newer; try: make PYTHON=python3.12")'
	@echo "Installing into .venv; llama.cpp is compiled on the way, which takes some minutes …"
	$(PYTHON) -m venv .venv
	$(RUN) pip install --quiet --upgrade pip
	$(RUN) pip install --quiet -c constraints.txt -e '.[offline,tray,dev]'
	touch .venv/.installed

clean:
	rm -rf .venv
