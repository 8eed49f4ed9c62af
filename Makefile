# SPDX-License-Identifier: BSD-2-Clause
# Axolotl: build, test and run. Everything is built out of tree in build/. `make help` lists the verbs.
#
# Parts: tools/build/flags.mk (compilers and flags), kernel.mk, guest.mk (libraries, system processes,
# programs), host.mk (tools, unit tests, fuzzers), image.mk (ports, root file system, boot archive, ISO), lint.mk.

MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:

B := build
PYTHON := /usr/bin/python3
# V=1 shows the commands.
Q := $(if $(V),,@)
say = @printf '  %-8s%s\n' '$(1)' '$(2)'

.PHONY: all
all:

include tools/build/flags.mk
include tools/build/setup.mk
include tools/build/kernel.mk
include tools/build/guest.mk
include tools/build/host.mk
include tools/build/lwip.mk
include tools/build/image.mk
include tools/build/lint.mk

.PHONY: help run kernel unit guest system fuzz fuzz-quick test clean distclean

all: kernel guest $(HOST_TOOLS) image

help:
	@echo 'make            build the kernel, the guest programs, the boot archive and the ISO'
	@echo 'make run        boot an interactive shell (the same as ./axo run)'
	@echo 'make test       lint, unit tests, bounded fuzzing and system tests; ends with "N passed, N failed"'
	@echo 'make unit       host unit tests with ASan and UBSan'
	@echo 'make guest      build all programs of the guest, tests/guest included'
	@echo 'make system     system tests: scenarios in QEMU (ONLY=name selects, JOBS=2 at a time)'
	@echo 'make fuzz       long fuzzing of everything in tests/fuzz (SECONDS_EACH=60 SEED=n)'
	@echo 'make lint       formatting, clang-tidy, cppcheck, layers, sizes (make format formats)'
	@echo 'make clean      remove what was built, keep the ports; make distclean removes all of build/'

run: all
	$(Q)./axo run

kernel: $(KERNEL)

guest: $(GUEST_ALL)

unit: $(UNIT_BINS) $(B)/guest/bin/axod $(B)/guest/bin/mkstack
	$(Q)$(PYTHON) tests/unit/run --json $(B)/results/unit.json $(UNIT_BINS) $(UNIT_SCRIPTS)

# Seconds for each fuzzer, and the seed (empty: taken from the clock and printed).
SECONDS_EACH ?= 60
SEED ?=
fuzz: $(FUZZ_BINS)
	$(Q)$(PYTHON) tests/fuzz/run --seconds $(SECONDS_EACH) $(if $(SEED),--seed $(SEED)) $(FUZZ_BINS)

fuzz-quick: $(FUZZ_BINS)
	$(Q)$(PYTHON) tests/fuzz/run --runs 20000 --seconds 5 --seed $(or $(SEED),1) \
		--json $(B)/results/fuzz.json $(FUZZ_BINS)

ONLY ?=
# Machines at a time; one needs hardly more than a processor.
JOBS ?= 2
system: all
	$(Q)$(PYTHON) tests/system/run --jobs $(JOBS) --json $(B)/results/system.json $(ONLY)

# Each part runs even when an earlier one failed; the totals decide.
test:
	$(Q)$(PYTHON) tools/build/testall $(B)/results

clean:
	rm -rf $(filter-out $(B)/ports $(B)/stamps,$(wildcard $(B)/*))

distclean:
	rm -rf $(B)
