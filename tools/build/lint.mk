# SPDX-License-Identifier: BSD-2-Clause
# make lint, make format: only our own code. tools/lint/run does the work and says which check failed.

.PHONY: lint
lint: export KERNEL_CFLAGS := $(KERNEL_CFLAGS)
lint: export GUEST_CFLAGS := $(GUEST_CFLAGS)
lint: export SAN_CFLAGS := $(filter-out -fsanitize% -fno-sanitize%,$(SAN_CFLAGS))
lint: export LINT_TEST_INCLUDES := $(TEST_INCLUDES)
lint: $(LINUX_HEADERS)
	$(Q)$(PYTHON) tools/lint/run --json $(B)/results/lint.json $(if $(CHECK),--only $(CHECK))

.PHONY: format
format:
	$(Q)$(PYTHON) tools/lint/run --fix
