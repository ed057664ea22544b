# make run    the page, in the browser              make test       what a change is tested by, the page in a browser too
# make lint   ruff: rules and format                make test-slow  every other test: trained networks, other backends
# make train  makes the embedded classifier again
# make bench  what an explanation costs, as ratios, in under ten minutes      make bench-gpu  on a graphics card
# Extra arguments: make run ARGS=--no-browser, make test ARGS="-k export". Another Python: make run PYTHON=python3.12

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip install --disable-pip-version-check --no-input

# What is installed is remembered by the content of the requirement files: a checkout that only touches
# their dates installs nothing, and one that changes a pin always does.
RUN_TOOLS := .venv/.installed-$(shell cat requirements.txt | cksum | cut -d' ' -f1)
BENCH_TOOLS := .venv/.installed-bench-$(shell cat requirements.txt $(wildcard requirements-bench.txt) | cksum | cut -d' ' -f1)
TEST_TOOLS := .venv/.installed-test-$(shell cat requirements.txt requirements-dev.txt | cksum | cut -d' ' -f1)

PYTEST := $(PY) -m pytest --numprocesses 2 --dist loadfile

.PHONY: run test test-slow lint train bench bench-gpu

run: $(RUN_TOOLS)
	@$(PY) launch.py $(ARGS)

test: $(TEST_TOOLS)
	@sh tests/browser/chromium.sh
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(TEST_TOOLS)
	@sh tests/browser/chromium.sh
	@$(PYTEST) -m slow $(ARGS)

lint: $(TEST_TOOLS)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .

bench: $(BENCH_TOOLS)
	@sh tests/browser/chromium.sh
	@$(PY) -m benchmarks $(ARGS)

# On the Python that is named, since that one knows the graphics card: nothing is installed.
bench-gpu:
	@$(PYTHON) -m benchmarks.gpu $(ARGS)

train: $(RUN_TOOLS)
	@$(PY) -m explorer train $(ARGS)

.venv/.made:
	@version=$$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null); \
	case "$$version" in \
	  3.11|3.12|3.13) ;; \
	  *) echo "RSI Explorer needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $${version:-not there}:" \
	       "install one of them and name it, as in 'make run PYTHON=python3.12'." >&2; exit 1 ;; \
	esac
	@$(PYTHON) -m venv .venv
	@touch $@

$(RUN_TOOLS): | .venv/.made
	@echo "Installing what the explorer needs (once; a few minutes, about 3 GB on disk)"
	@rm -f .venv/.installed-*
	@$(PIP) -r requirements.txt
	@touch $@

$(TEST_TOOLS): | .venv/.made
	@echo "Installing what the explorer and its tests need (once; a few minutes, about 3 GB on disk)"
	@rm -f .venv/.installed-*
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(RUN_TOOLS)

# xplique's own pins stop at TensorFlow 2.20, and it runs with ours: so it comes without them, and what it needs is
# in requirements-bench.txt.
$(BENCH_TOOLS): | .venv/.made
	@echo "Installing what the benchmarks need, the libraries we are compared with among it (once; several minutes)"
	@rm -f .venv/.installed-*
	@$(PIP) -r requirements-bench.txt
	@$(PIP) --no-deps xplique==2.0.2
	@touch $@ $(RUN_TOOLS)
