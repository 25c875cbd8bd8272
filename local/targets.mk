# targets.mk - the targets for people: set up, run, test, keep tidy.  Included by the Makefile.
# DEPS=no: never look for packages.
DEPS  ?= yes
# by how many compilers at once; `make -jN` wins
ifeq ($(filter -j%,$(MAKEFLAGS)),)
JOBS := -j$(shell nproc 2>/dev/null || echo 2)
endif
SUBMAKE   = $(MAKE) --no-print-directory $(if $(V),,-s) $(JOBS)
PACKAGES  = $(if $(filter no,$(DEPS)),true,./local/packages.sh)
IN_KAFKA  = $(if $(filter kafka,$(BROKER)),kafka)
SOURCES  := $(wildcard lib/*.[ch] producer/*.[ch] worker/*.[ch] notifier/*.[ch] cli/*.[ch] local/*.[ch] examples/*.[ch] \
             tests/unit/*.[ch] tests/integration/*.[ch] tests/fake/*.[ch] tests/e2e/*.[ch] tests/chaos/*.[ch] tests/simulation/*.[ch] tests/fuzz/*.[ch] bench/*.[ch])
SCRIPTS  := $(wildcard local/*.sh tests/*.sh tests/*/*.sh tests/*/*/*.sh bench/*.sh deploy/*.sh) tests/containers/kafka/run .ci/run
STACK     = BIN_DIR=$(CURDIR)/$(BUILD)/bin ./local/stack.sh
# -Wno-error: what sanitizers add makes gcc warn of ghosts; the plain build is the strict one
ASAN     := -O1 -g -Wno-error -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# $(1): files, $(2): more flags
TIDY      = @printf '%s\n' $(1) | xargs -P $(shell nproc) -I{} sh -c 'clang-tidy --quiet --warnings-as-errors="*" $(2) {} -- \
            -std=c11 -D_GNU_SOURCE -Ilib $(FOLDERS:%=-I%) -Itests -Itests/fake $(PKG_CFLAGS) 2>/dev/null'

.PHONY: deps deps-test demo up down add-worker status test check check-asan check-valgrind mutants coverage lint format format-check

deps:
	@$(PACKAGES) build $(IN_KAFKA)
deps-test:
	@$(PACKAGES) build test
	@$(PACKAGES) kafka || echo "no Java or Maven: real-broker tests will be skipped" >&2

# After `deps` a make of its own: only it sees the packages that deps has installed.
demo: deps
	@$(SUBMAKE) all
	@BIN_DIR=$(CURDIR)/$(BUILD)/bin ./local/demo.sh $(DEMO_FLAGS)
up: deps
	@$(SUBMAKE) all
	@$(STACK) up
down add-worker status:
	@$(STACK) $@

# RUN_ONLY='tests/unit/test_call%': some of them
RUN_ONLY ?= %
check:
	@$(PACKAGES) build test
	@# the programs too: integration tests start them
	@$(SUBMAKE) all $(filter $(RUN_ONLY:%=$(BUILD)/%),$(TESTS))
	@./tests/run.sh $(filter $(RUN_ONLY:%=$(BUILD)/%),$(TESTS))
check-asan:
	@ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 \
	$(SUBMAKE) check BUILD=build/asan CFLAGS="$(ASAN)" TEST_SECONDS=600
# the unit tests and the simulation, with few seeds: under valgrind the others would measure its slowness
check-valgrind:
	@RUNS=20 TEST_WRAPPER="valgrind -q --leak-check=full --errors-for-leak-kinds=definite,indirect --error-exitcode=99" \
	$(SUBMAKE) check RUN_ONLY='tests/unit/% tests/simulation/%'
# the model's bugs, seeded into the code: the simulation must object to each
mutants:
	@$(PACKAGES) build test
	@$(SUBMAKE) $(SIMULATED)
	@MUTANTS_BUILD=$(BUILD) MUTANTS_LIBS="$(PKG_LIBS) -lm -lpthread -lcmocka" \
	MUTANTS_CC="$(CC) -std=c11 -D_GNU_SOURCE -Ilib -Iworker -Itests $(PKG_CFLAGS) -DCALLCAST_KILL_POINTS -O1 -g -Wl,--wrap=getrandom,--wrap=log_line" \
	./tests/simulation/mutants.py $(MUTANT)

# which lines of the four folders the tests run
coverage:
	@$(PACKAGES) build test coverage
	@MAKE="$(SUBMAKE)" BUILD=build/coverage ./local/coverage.sh

test: deps-test
	@MAKE="$(SUBMAKE)" BIN_DIR=$(CURDIR)/$(BUILD)/bin ./local/test.sh

lint:
	@$(PACKAGES) build test lint
	shellcheck -x $(SCRIPTS)
	cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	  --include=local/cppcheck.h -D__GNUC__ -Ilib -Iproducer -Iworker -Inotifier -Icli \
	  $(filter-out tests/%,$(filter %.c,$(SOURCES)))
	@# one file at a time: this clang-tidy sees ghosts in va_lists after the first
	$(call TIDY,$(filter-out tests/%,$(filter %.c,$(SOURCES))))
	@# tests take for granted what they made themselves: no analyzer there
	$(call TIDY,$(filter tests/%.c,$(SOURCES)),--checks=-clang-analyzer-*)
format:
	clang-format -i $(SOURCES)
format-check:
	clang-format --dry-run -Werror $(SOURCES)

-include local/install.mk

-include tests/chaos/chaos.mk
-include tests/openapi/openapi.mk
-include tests/containers/containers.mk

-include tests/fuzz/fuzz.mk

-include bench/bench.mk
