# Two commands on a fresh machine: `make demo` and `make test`. Each makes .venv first, with the pinned versions.
PYTHON ?= python3
# TORCH=cpu installs the CPU build; TORCH=cuda the build with CUDA for your machine's driver.
TORCH ?= cpu
TORCH_VERSION := 2.13.0
# EXTRAS=ray,slurm installs what runs on a cluster in place of what tests need.
EXTRAS ?= dev
TORCH_CPU_INDEX ?= https://download.pytorch.org/whl/cpu

BIN := .venv/bin
READY := .venv/.ready-$(TORCH)
ALL_READY := .venv/.ready-all-$(TORCH)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
METAWORLD := .venv-metaworld
METAWORLD_READY := $(METAWORLD)/.ready
METAWORLD_PIP := $(METAWORLD)/bin/python -m pip install --quiet --disable-pip-version-check

export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1

.PHONY: venv demo test test-all lint format clean metaworld minetest slurm browser

$(READY): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || \
	  { rm -rf .venv; echo "no virtual environment could be made; on Debian: apt install python3-venv"; exit 1; }
ifeq ($(TORCH),cuda)
	$(PIP) --force-reinstall torch==$(TORCH_VERSION)
else
	$(PIP) torch==$(TORCH_VERSION)+cpu 2>/dev/null || $(PIP) torch==$(TORCH_VERSION)+cpu --extra-index-url $(TORCH_CPU_INDEX)
endif
	$(PIP) --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $@

$(ALL_READY): $(READY)
	$(PIP) --constraint constraints.txt --editable ".[dev,gpu,crafter,mlflow-server,wandb,ray,slurm]"
	@touch $@

venv: $(READY)

demo: $(READY)  ## design a reward for reacher: no key, no network, under five minutes
	$(BIN)/autoreward run reacher --config docs/demo.yaml
	@$(BIN)/python benchmarks/demo.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint browser  ## lint, types and the tests that take seconds
	$(BIN)/python -m pytest -m "not slow" -n 2

browser:  ## the browser that tests/browser needs: installed where root may and it is not there
	@command -v chromium >/dev/null || \
	  { test "$$(id -u)" = 0 && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } || \
	  echo "tests/browser is left out; for it, type: apt-get install chromium fonts-dejavu-core"

# Where systemd runs, Debian's package would start a server for players, too: there it is left to you.
minetest:  ## the game server that tests/envs/minetest needs: installed where root may and it is not there
	@export PATH="$$PATH:/usr/games"; command -v minetestserver >/dev/null || command -v luantiserver >/dev/null || \
	  { test "$$(id -u)" = 0 && test ! -d /run/systemd/system && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends minetest-server minetest-data; } || \
	  echo "tests/envs/minetest is left out; for it, type: apt-get install minetest-server minetest-data"

# Not made by test-all: 1.7 GB, and eight minutes where it was measured. Its tests are left out without it, and say so.
metaworld: $(METAWORLD_READY)  ## Meta-World, in an interpreter of its own with the older MuJoCo that it needs

$(METAWORLD_READY): pyproject.toml constraints-metaworld.txt
	@test -x $(METAWORLD)/bin/python || $(PYTHON) -m venv $(METAWORLD)
	$(METAWORLD_PIP) torch==$(TORCH_VERSION)+cpu 2>/dev/null || \
	  $(METAWORLD_PIP) torch==$(TORCH_VERSION)+cpu --extra-index-url $(TORCH_CPU_INDEX)
	$(METAWORLD_PIP) --constraint constraints-metaworld.txt --editable . metaworld
	@touch $@

slurm:  ## the cluster's programs that tests/engine/test_slurm.py runs on this machine: installed as `minetest` is
	@command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null || \
	  { test "$$(id -u)" = 0 && test ! -d /run/systemd/system && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurmctld slurmd munge; } || \
	  echo "tests/engine/test_slurm.py is left out; for it, type: apt-get install slurmctld slurmd munge"

test-all: lint $(ALL_READY) minetest slurm  ## everything that `make test` leaves out; mujoco-warp is tested on the CPU
	$(BIN)/python -m pytest -m slow -n 2

clean:
	rm -rf .venv $(METAWORLD) dist build .mypy_cache .ruff_cache .pytest_cache
