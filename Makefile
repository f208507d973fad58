# make demo: one night, end to end (MODEL=little: on a small model that talks).  make test: checks and tests.
# make soak: the tests that take long.  make llama-server-tests: llama.cpp's own tests of its server, against ours.
# All make .venv first.  make hashes: the lists in hashes/ anew, after a change of pyproject.toml or constraints.txt (needs
# uv: pip install uv).
PYTHON ?= python3
# How many tests run at a time, each on its share of the cores.
AT_A_TIME ?= 2
RUN := .venv/bin/python -m

.PHONY: demo test soak llama-server-tests check hashes clean
demo: .venv/.installed $(if $(filter little,$(MODEL)),.venv/.installed-little)
	$(RUN) daemon demo $(if $(MODEL),--model $(MODEL))

test: check
	$(RUN) pytest -q -n $(AT_A_TIME) --dist loadfile --no-loadscope-reorder

soak: .venv/.installed-dev
	$(RUN) pytest -q -n $(AT_A_TIME) --dist loadfile --no-loadscope-reorder -m soak

llama-server-tests: .venv/.installed
	$(RUN) bench.llama_tests

check: .venv/.installed-dev
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy

.venv/.installed: pyproject.toml $(wildcard hashes/*.txt)
	@rm -f $@*
	@echo "Installing into .venv, once: about five minutes on two cores, most of it compiling llama.cpp."
	@$(PYTHON) install.py

.venv/.installed-little: .venv/.installed
	@[ -e .venv/.installed-dev ] || $(PYTHON) install.py little

.venv/.installed-dev: .venv/.installed
	@$(PYTHON) install.py dev

# What `install.py` installs, by the hash of each archive: for all systems and Pythons, with nothing built but llama.cpp.
COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make hashes" -c constraints.txt
PROGRAM := --extra offline --extra tray --extra little

hashes:
	printf '%s\n' 'pip>=26' 'setuptools>=77' 'scikit-build-core[pyproject]' ninja cmake | $(COMPILE) - -o hashes/build.txt
	$(COMPILE) pyproject.toml $(PROGRAM) -o hashes/program.txt
	$(COMPILE) pyproject.toml $(PROGRAM) --extra dev -o hashes/dev.txt \
		$$(sed -n 's/^\([a-z0-9.-]*\)==.*/--no-emit-package \1/p' hashes/program.txt)

clean:
	rm -rf .venv
