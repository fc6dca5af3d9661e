# The two commands of the README are `make demo` and `make test`; each first does all set-up that is missing.
.DEFAULT_GOAL := help
PRESET ?= dev
PROGRAM := build/$(PRESET)/subband

help:            ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 18

setup:           ## packages, LibTorch; nothing twice
	@.ci/setup

configure: setup
	@mkdir -p build && cmake --preset $(PRESET) >build/$(PRESET).log 2>&1 || { cat build/$(PRESET).log; exit 1; }

build: configure ## the program alone, from nothing or what changed (PRESET=ci: warnings are errors)
	@cmake --build --preset $(PRESET) -t catalogue

test: configure  ## every test; they are built for it
	@cmake --build --preset $(PRESET)
	@ctest --preset $(PRESET)

contract: build  ## what every mixer is asked, for `subband check-part`
	@cmake --build --preset $(PRESET) -t subband_contract

install: contract ## the program, its headers, recipes and data to PREFIX, away from this checkout
	@cmake --install build/$(PRESET) --prefix $(or $(PREFIX),/usr/local)

demo: build      ## the quickstart ablation: a table of real trained models in minutes
	@$(PROGRAM) sweep quickstart

demo-minute: build  ## the same in its one-minute form, in a store of its own
	@rm -rf build/demo-minute && $(PROGRAM) sweep minute --store build/demo-minute

tables: build    ## the tables of parts in the folders' pages, written anew
	@for page in models experiments; do $(PROGRAM) list --tables $$page/PARTS.md; done

probes: build    ## what every part computes, stored anew; where a version has not risen, it says what moved
	@export SUBBAND_ROOT=$(CURDIR) SUBBAND_PROBES=write; \
	  build/$(PRESET)/models/models_test "[probes]" && build/$(PRESET)/experiments/experiments_test "[probes]"

conformance: build  ## random overrides and config trees through this program and Hydra (CASES=100000 SEED=1)
	@core/config/conformance/run $(PROGRAM) --cases $(or $(CASES),100000) --seed $(or $(SEED),1) $(if $(RECORD),--record $(RECORD))

fuzz:            ## the fuzz targets of the spec language, SECONDS=600 each; needs clang
	@core/config/fuzz/run $(or $(SECONDS),600)

bench-compose: build  ## the spec language against the clock, beside Hydra; needs Google Benchmark
	@cmake --build --preset $(PRESET) -t compose_bench plan_bench
	@build/$(PRESET)/core/compose_bench
	@build/$(PRESET)/sweeps/plan_bench
	@core/config/conformance/run bench

bench: peers build  ## every table beside PyTorch, Hydra, transformers and a former state (an hour; ROUNDS=1 ONLY=steps,sweep: less)
	@analysis/peers/run $(PROGRAM)

bench-former: build  ## mixers beside those of FORMER=336b497, which is built in .deps/former
	@ONLY=former analysis/peers/run $(PROGRAM)

peers:           ## the environment of `make bench` in .deps/peers, 5 GB
	@test -x .deps/peers/bin/python3 || python3 -m venv .deps/peers
	@.deps/peers/bin/python3 -c 'import torch, transformers, hydra, hydra_plugins.hydra_joblib_launcher' 2>/dev/null || \
	  .deps/peers/bin/pip install -q torch==2.11.0 numpy transformers==5.24.0 hydra-core==1.3.2 hydra-joblib-launcher==1.2.0

check-state: build  ## all that is promised of states: every cutting, at length (a minute or more)
	@cmake --build --preset $(PRESET) -t models_test
	@SUBBAND_STATE_WHOLE=1 build/$(PRESET)/models/models_test '[state]'

check-search: build  ## the sampler tpe beside Optuna's; needs PyPI for a virtual environment of its own
	@cmake --build --preset $(PRESET) -t sweeps_test
	@python3 sweeps/search/check_search.py build/$(PRESET)/sweeps/sweeps_test

check-sweeps: build  ## sweeps killed and stopped at 200 instants each, 200 jobs on one folder (ten minutes)
	@cmake --build --preset $(PRESET) -t sweeps_test sweeps_perform_test
	@export SUBBAND_SWEEPS_WHOLE=1 SUBBAND_ROOT=$(CURDIR) SUBBAND_PROGRAM=$(CURDIR)/$(PROGRAM); \
	  build/$(PRESET)/sweeps/sweeps_test '[shared_store],[scheduler]' && \
	  build/$(PRESET)/sweeps/sweeps_perform_test '[sweep_command],[adaptive_sweep],[slurm_cluster]'

check-speed: build  ## plans and lists of 10,000 runs, and the launch of a cell beside Hydra's; needs PyPI for an environment of its own
	@cmake --build --preset $(PRESET) -t sweeps_perform_test
	@sweeps/check_speed.py build/$(PRESET)/sweeps/sweeps_perform_test $(PROGRAM)

check-forecast: build  ## what a plan predicts of ten cells, against what they take then (four minutes; on a machine that does nothing else)
	@sweeps/planning/check_forecast.py $(PROGRAM)

headers: build   ## every header compiles alone (PRESET=dev: those with LibTorch too)
	@cmake --build --preset $(PRESET) -t headers

kernels: setup   ## the CUDA object, for every architecture; needs a CUDA toolkit, no device
	@mkdir -p build && cmake --preset cuda >build/cuda.log 2>&1 || { cat build/cuda.log; exit 1; }
	@cmake --build --preset cuda -t subband_cuda

asan:            ## every test under the address and undefined-behaviour sanitizers
	@$(MAKE) test PRESET=asan

format:          ## clang-format over the code
	@git ls-files '*.h' '*.cpp' '*.cu' '*.cuh' | xargs clang-format -i

clean:           ## build outputs; .deps and logs stay
	@rm -rf build

.PHONY: help setup configure build contract install test demo demo-minute tables conformance fuzz bench bench-former peers bench-compose check-state check-search check-sweeps check-speed check-forecast headers kernels asan format clean
