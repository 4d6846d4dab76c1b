# Six commands: make demo, make test, make check, make fuzz, make bench, make bench-sound.
# Each sets up what it needs first (Debian packages, .venv); the second time that costs nothing.

SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
STAMP := .venv/.setup-stamp
# Old bytecode of a moved package must not hide an import error.
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help setup demo test fuzz check bench bench-sound clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

$(STAMP): pyproject.toml config/constraints.txt .ci/setup
	@.ci/setup
	@touch $@

setup: $(STAMP) ## Debian packages and .venv (done by every other target when needed)

demo: $(STAMP) ## a district on this machine, with sound; SABOTAGE=name breaks it on purpose
	$(BIN)/station-sim demo --out out/demo $(if $(SABOTAGE),--sabotage $(SABOTAGE)) $(ARGS)

test: $(STAMP) ## every test: unit, property, contract, integration, scenario (ARGS=… for pytest)
	@.ci/test $(ARGS)

fuzz: $(STAMP) ## property tests with seeds of chance, for FUZZ_S seconds (600)
	@.ci/test --fuzz

check: $(STAMP) ## style, types and the service unit, all offline
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy agent firmware_bridge simulator tests
	@.ci/check-units

bench: $(STAMP) ## measure start accuracy, levels, memory, throughput on this machine
	$(BIN)/station-sim bench $(ARGS)

bench-sound: $(STAMP) ## our sound beside mpv, VLC, MPD, Liquidsoap, Mopidy, Snapcast (installs them)
	@.ci/peers
	$(BIN)/python -m simulator.bench.peers $(ARGS)

clean: ## remove what the set-up and the runs made (Debian packages stay)
	rm -rf .venv out build .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find agent firmware_bridge simulator tests -name __pycache__ -type d -prune -exec rm -rf {} +
