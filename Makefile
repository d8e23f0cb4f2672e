# Every target sets up what it needs; `make` alone shows what there is.
.DEFAULT_GOAL := help
.PHONY: help setup training run test test-store integrations chromium wheels arm64 check lint fmt types contracts lengths dependencies lock train evaluate story bench capacity faults shape demo clean

PYTHON ?= $(firstword $(foreach name,python3.12 python3.11 python3.13 python3.14 python3 python,$(shell \
  $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $(name))))
VENV := .venv
BIN := $(VENV)/bin
SERVES := $(VENV)/.serves
STAMP := $(VENV)/.set-up
TRAINS := $(VENV)/.trains
CLIENTS := .clients
WORDPRESS := .wordpress
ARM64 := .arm64
RIVALS := .rivals
# Teaches the deep reader; the CPU's build is a tenth of the size of the one that pip takes by itself (docs/retraining.md).
TORCH ?= torch==2.13.0

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make the virtual environment and install the tools for development into it

# Only what the service itself needs: the first `make run` installs nothing else.
$(SERVES): requirements/runtime.txt pyproject.toml hatch_build.py .ci/install $(wildcard classifier/_*.[ch])
	@test -n "$(PYTHON)" || { echo "Steward needs Python 3.11 or later; none was found (set PYTHON=/path/to/python)"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { echo "Creating $(VENV) with $(PYTHON) ..."; $(PYTHON) -m venv --clear $(VENV); }
	@.ci/install "what the service needs" $(BIN)/python requirements/runtime.txt
	@echo "Compiling the classifier ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(STAMP): requirements/dev.txt $(SERVES)
	@.ci/install "the tools for tests and development" $(BIN)/python requirements/dev.txt
	@touch $@

# Large, and of no use to the service itself: only for training, its tests and its types.
$(TRAINS): | $(STAMP)
	@echo "Installing PyTorch, for training only. It is large ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	@touch $@

training: $(TRAINS)  ## Install what `steward train` needs: scikit-learn, PyTorch and more

# With a demonstration for newcomers, but not where somebody has begun to set it up for others.
run: $(SERVES)  ## Start the service on 127.0.0.1:8080 with the shipped model, its own Redis and a demonstration at /demo
	@STEWARD_DEMO=$${STEWARD_DEMO:-$$(test -z "$$STEWARD_HOST$$STEWARD_PUBLIC_URL$$STEWARD_REDIS_URL" && echo true || echo false)} \
	  $(BIN)/steward serve

test: $(STAMP) $(TRAINS) $(CLIENTS)/.set-up chromium  ## Run all tests
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# The newest server that the machine or a package carries is what all other tests run on.
test-store: $(STAMP)  ## Run the store's tests on each Redis or Valkey server that is there
	@names=$$($(BIN)/python -c 'from service.redis.server import find_servers; print(*find_servers())') && test -n "$$names" || exit 1; \
	for name in $$names; do echo "== the store's tests on $$name"; \
	  STEWARD_TEST_SERVER=$$name $(BIN)/python -m pytest --quiet tests/service/store || exit 1; done

# Bounded in time, and no failure where a package cannot be had: then the tests did not run, and this says so.
integrations: $(STAMP)  ## Run a real WordPress, and the plugins for WordPress and Discourse, against the service (Debian, as root)
	@.ci/set_up_ruby || echo "WARNING: THE DISCOURSE PLUGIN WAS NOT TESTED: Ruby could not be set up on this machine (see above)"
	@.ci/set_up_wordpress $(WORDPRESS) || echo "WARNING: WORDPRESS WAS NOT TESTED: it could not be set up on this machine (see above)"
	@STEWARD_WORDPRESS=$(CURDIR)/$(WORDPRESS)/usr/share/wordpress timeout 1200 $(BIN)/python -m pytest --quiet tests/integrations

# With zig, which compiles for both kinds of machines and an old glibc, whatever this machine is.
wheels: $(STAMP)  ## Build wheels for Linux on x86-64 and arm64 into dist/, and check them
	@$(PYTHON) -m venv --clear --without-pip build/wheels && $(BIN)/python -m pip --python build/wheels/bin/python \
	  install --quiet --disable-pip-version-check --require-hashes -r requirements/wheels.txt
	@for machine in x86_64 aarch64; do \
	  STEWARD_WHEEL_FOR=$$machine build/wheels/bin/python -m hatchling build --target wheel --directory dist || exit 1; done
	@$(BIN)/python .ci/build_pycld2.py build/wheels/bin/python dist x86_64 aarch64
	@$(BIN)/python .ci/check_wheels.py dist

arm64: wheels  ## Run the wheels for arm64 in an emulator, with Debian's Python (Debian; minutes)
	@.ci/set_up_arm64 $(ARM64) $(BIN)/python || echo "WARNING: ARM64 WAS NOT TESTED: it could not be set up on this machine (see above)"
	@STEWARD_ARM64=$(CURDIR)/$(ARM64) $(BIN)/python -m pytest --quiet -rs tests/integrations/test_arm64_wheel.py

# The shell is Chromium without windows, toolbars and tabs. It takes less than half of the processor time, and the tests
# run in either: where it cannot be fetched within two minutes, any Chromium will do.
chromium:  ## Find Chromium, in which the console is tested, or install it where that can be done
	@test -n "$$STEWARD_CHROMIUM" || command -v chromium-headless-shell >/dev/null || test "$$(id -u)" != 0 \
	  || ! grep -qs '^ID=debian' /etc/os-release \
	  || { timeout 120 sh -c 'apt-get update --quiet=2 && apt-get install --yes --quiet=2 --download-only chromium-headless-shell' \
	    && apt-get install --yes --quiet=2 chromium-headless-shell; } \
	  || echo "chromium-headless-shell cannot be installed; the tests take longer in a whole Chromium"
	@for name in "$${STEWARD_CHROMIUM:-chromium-headless-shell}" chromium chromium-browser google-chrome; do \
	  command -v "$$name" >/dev/null && exit 0; done; false \
	  || { test "$$(id -u)" = 0 && apt-get update --quiet=2 && apt-get install --yes --quiet=2 chromium; } \
	  || { echo "The tests open the console in Chromium: install it (Debian: apt install chromium), or name it in STEWARD_CHROMIUM"; exit 1; }

# Clients of other services, each in an environment of its own: three of them share one import name.
$(CLIENTS)/.set-up: $(wildcard tests/clients/*/requirements.txt) tests/clients/node/package-lock.json | $(STAMP)
	@command -v npm >/dev/null || { echo "The tests run clients written for Node.js: install Node.js 20 or later, with npm"; exit 1; }
	@mkdir -p $(CLIENTS)/node
	@for name in $(notdir $(patsubst %/,%,$(dir $(wildcard tests/clients/*/requirements.txt)))); do \
	  $(PYTHON) -m venv --clear --without-pip $(CLIENTS)/$$name && $(BIN)/python -m pip --python $(CLIENTS)/$$name/bin/python \
	    install --quiet --disable-pip-version-check --require-hashes -r tests/clients/$$name/requirements.txt || exit 1; done
	@cp tests/clients/node/package.json tests/clients/node/package-lock.json $(CLIENTS)/node
	@cd $(CLIENTS)/node && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

check: lint types contracts lengths dependencies  ## All that CI checks beside the tests

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fmt: $(STAMP)  ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) $(TRAINS)
	$(BIN)/mypy
	$(BIN)/mypy --strict clients/python/src/comment_steward_client

contracts: $(STAMP)
	$(BIN)/lint-imports

lengths:
	@git ls-files '*.py' '*.c' '*.lua' '*.js' '*.css' '*.html' ':!service/api/static/swagger-ui' | xargs wc -l \
	  | awk '$$2 != "total" && $$1 > 400 {print $$2 " has " $$1 " lines; at most 400"; bad = 1} END {exit bad}'

dependencies: $(STAMP)  ## Look dependencies up for known vulnerabilities, and list them in reports/sbom.json (CycloneDX)
	@mkdir -p reports
	$(BIN)/cyclonedx-py requirements requirements/runtime.txt --output-reproducible --output-file reports/sbom.json
	$(BIN)/python .ci/audit_dependencies.py

lock: $(STAMP)  ## Pin all dependencies anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --override requirements/without-torch.txt pyproject.toml -o requirements/runtime.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --override requirements/without-torch.txt pyproject.toml --extra otel -o requirements/otel.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url \
	  --override requirements/without-torch.txt pyproject.toml --extra train --extra cluster --extra otel --group dev -o requirements/dev.txt

train: $(STAMP) $(TRAINS)  ## Train a model on ../shared/data
	$(BIN)/steward train

evaluate: $(STAMP) $(TRAINS)  ## Measure the shipped model on what it has not seen, beside the textbook; write the report and the model card
	$(BIN)/steward evaluate --baseline --cross-validate --json docs/figures/evaluation.json --html reports/evaluation.html \
	  --card docs/model-card.md
	@echo "the report is in reports/evaluation.html"

# FAULTS="--minutes 30" makes the load last longer.
faults: $(STAMP)  ## Kill the service, the relay and Redis under load, and compare with what the clients were told
	$(BIN)/python tests/faults/run.py --docs docs/reliability.md $(FAULTS)
	$(BIN)/python tests/faults/webhooks.py --docs docs/reliability.md

# Queues of others, in environments of their own. Where they cannot be installed, the bench says so and measures the rest.
$(RIVALS)/.set-up: tests/bench/requirements.txt tests/bench/package-lock.json | $(STAMP)
	@mkdir -p $(RIVALS)/node
	@{ $(PYTHON) -m venv --clear --without-pip $(RIVALS)/python && $(BIN)/python -m pip --python $(RIVALS)/python/bin/python \
	  install --quiet --disable-pip-version-check --require-hashes -r tests/bench/requirements.txt \
	  && cp tests/bench/package.json tests/bench/package-lock.json $(RIVALS)/node \
	  && cd $(RIVALS)/node && npm ci --silent --no-audit --no-fund --ignore-scripts && touch ../.set-up; } \
	  || echo "WARNING: not all of arq, dramatiq and BullMQ could be installed"

story: $(STAMP) $(TRAINS)  ## Tell the story of a promise and of a new model with 20,000 comments, with figures (minutes)
	$(BIN)/python tests/e2e/story.py

bench: $(STAMP) $(RIVALS)/.set-up chromium  ## Measure requests, the queue, scores, rules and the detector of languages, each beside a baseline
	$(BIN)/python tests/bench/bench_service.py
	$(BIN)/python tests/bench/bench_queue.py
	$(BIN)/python tests/bench/bench_classifier.py
	$(BIN)/python tests/bench/bench_cluster.py
	$(BIN)/python tests/bench/bench_suspects.py
	$(BIN)/python tests/bench/bench_rules.py
	$(BIN)/python tests/bench/bench_submission.py
	$(BIN)/python tests/bench/bench_shadow.py
	$(BIN)/python tests/bench/bench_language.py
	$(BIN)/python tests/bench/bench_console.py
	$(BIN)/python tests/bench/bench_hooks.py

capacity: $(STAMP)  ## Measure what a comment costs, and reckon what 1, 100 and 10,000 a second need (docs/deployment.md)
	$(BIN)/python tests/bench/bench_capacity.py --docs docs/deployment.md

shape: $(STAMP)  ## Print lengths of files and functions, imports between rooms, and class names with more than one home
	@$(BIN)/python tests/shape.py

demo: $(SERVES)  ## Post a thread to the running service (STEWARD_KEY must be set)
	@$(BIN)/steward demo

clean:  ## Remove the virtual environment and what was built
	rm -rf $(VENV) $(CLIENTS) $(RIVALS) $(WORDPRESS) $(ARM64) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache classifier/_*.so
