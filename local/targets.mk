# targets.mk - the targets for people: set up, run, test, keep tidy.  Included by the Makefile.
# DEPS=no: never look for packages.
DEPS  ?= yes
# by how many compilers at once; `make -jN` wins
ifeq ($(filter -j%,$(MAKEFLAGS)),)
JOBS := -j$(shell nproc 2>/dev/null || echo 2)
endif
PACKAGES = $(if $(filter no,$(DEPS)),true,./local/packages.sh)
IN_KAFKA = $(if $(filter kafka,$(BROKER)),kafka)
SOURCES  := $(wildcard lib/*.[ch] producer/*.[ch] worker/*.[ch] notifier/*.[ch] cli/*.[ch] local/*.[ch] examples/*.[ch] \
             tests/unit/*.[ch] tests/integration/*.[ch] tests/fake/*.[ch] tests/e2e/*.[ch])
SCRIPTS  := $(wildcard local/*.sh tests/*.sh tests/*/*.sh) .ci/run
STACK     = BIN_DIR=$(CURDIR)/$(BUILD)/bin ./local/stack.sh
ASAN     := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

.PHONY: deps deps-test demo up down add-worker status test check check-asan check-valgrind lint format format-check

deps:
	@$(PACKAGES) build $(IN_KAFKA)
deps-test:
	@$(PACKAGES) build test kafka

# After `deps` a make of its own: only it sees the packages that deps has installed.
demo: deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@BIN_DIR=$(CURDIR)/$(BUILD)/bin ./local/demo.sh $(DEMO_FLAGS)
up: deps
	@$(MAKE) --no-print-directory $(JOBS) all
	@$(STACK) up
down add-worker status:
	@$(STACK) $@

# RUN_ONLY='tests/unit/test_call%': some of them
RUN_ONLY ?= %
check:
	@$(PACKAGES) build test
	@$(MAKE) --no-print-directory $(JOBS) $(filter $(BUILD)/$(RUN_ONLY),$(TESTS))
	@./tests/run.sh $(filter $(BUILD)/$(RUN_ONLY),$(TESTS))
check-asan:
	@ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
	$(MAKE) --no-print-directory check BUILD=build/asan CFLAGS="$(ASAN)" TEST_SECONDS=600
# the unit tests only: under valgrind the others would measure its slowness
check-valgrind:
	@TEST_WRAPPER="valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect --error-exitcode=99" \
	$(MAKE) --no-print-directory check RUN_ONLY=tests/unit/%

test: deps-test
	@MAKE="$(MAKE) --no-print-directory $(JOBS)" ./local/test.sh

lint:
	@$(PACKAGES) build test lint
	shellcheck -x $(SCRIPTS)
	cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	  --suppressions-list=local/cppcheck.txt -D__GNUC__ -Ilib -Iproducer -Iworker -Inotifier -Icli -Itests/fake \
	  $(filter %.c,$(SOURCES))
	printf '%s\n' $(filter %.c,$(SOURCES)) | xargs -P $$(nproc) -n 4 sh -c \
	  'clang-tidy --quiet --warnings-as-errors="*" "$$@" -- -std=c11 -D_GNU_SOURCE -Ilib -Iproducer -Iworker -Inotifier -Icli \
	   -Itests -Itests/fake $(PKG_CFLAGS) 2>/dev/null' tidy
format:
	clang-format -i $(SOURCES)
format-check:
	clang-format --dry-run -Werror $(SOURCES)
