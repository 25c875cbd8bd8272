# Callcast.  The two commands that matter:
#   make demo     sets everything up and runs the main job       (BROKER=kafka: on a real Apache Kafka)
#   make test     sets everything up and passes the tests        (make check: unit, integration, simulation)
# Others: make, make up, make down, make add-worker, make install, make lint, make format, make check-asan, make check-valgrind,
#         make mutants, make chaos, make fuzz, make schemathesis, make coverage, make containers-test, make bench, make bench-ids
BUILD    := build
FOLDERS  := producer worker notifier cli
PROGRAMS := $(BUILD)/bin/callcast-producer $(BUILD)/bin/callcast-worker $(BUILD)/bin/callcast-notifier \
            $(BUILD)/bin/callcast
PKGS     := rdkafka jansson hiredis libcurl libmicrohttpd libcrypto
tests_of  = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/$(1)/test_*.c))
SIMULATED := $(call tests_of,simulation)
TESTS    := $(call tests_of,unit) $(call tests_of,integration) $(SIMULATED)

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Werror
# asked only when something is compiled: a machine without the packages can still say `make deps`
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell pkg-config --libs $(PKGS)))$(PKG_LIBS)
# V=1 shows whole commands, else one word and the file
SAY      = $(if $(V),,@echo "  $(1)  $(@:$(BUILD)/%=%)";)
COMPILE  = $(call SAY,cc  )$(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -Ilib $(INCLUDES) $(PKG_CFLAGS) $(CPPFLAGS) $(CFLAGS)
LINK     = $(call SAY,link)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(PKG_LIBS) -lm -lpthread
objects  = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/main.c,$(wildcard $(1)/*.c)))

.PHONY: all clean
.SECONDARY:
all: $(PROGRAMS) $(BUILD)/bin/callcast-demo $(BUILD)/bin/callcast-broker

# Schemas and Redis scripts are compiled in: each becomes a C string in a generated file.
$(BUILD)/gen/schemas.c: local/embed.sh $(wildcard schemas/*.avsc schemas/history/*.avsc)
	@mkdir -p $(@D)
	@./local/embed.sh schema $(filter %.avsc,$^) > $@.tmp && mv $@.tmp $@
$(BUILD)/gen/scripts.c: local/embed.sh $(wildcard worker/scripts/*.lua)
	@mkdir -p $(@D)
	@./local/embed.sh script $(filter %.lua,$^) > $@.tmp && mv $@.tmp $@
# The API's document is written as YAML and served as JSON.
$(BUILD)/gen/openapi.json: local/openapi.py schemas/openapi.yaml
	@mkdir -p $(@D)
	@./local/openapi.py schemas/openapi.yaml > $@.tmp && mv $@.tmp $@
$(BUILD)/gen/documents.c: local/embed.sh $(BUILD)/gen/openapi.json
	@cd $(@D) && $(CURDIR)/local/embed.sh document openapi.json > $(@F).tmp && mv $(@F).tmp $(@F)
$(BUILD)/gen/%.o: $(BUILD)/gen/%.c
	$(COMPILE) -c -o $@ $<

# A folder becomes an archive.  A test is linked before the archives, so a fake
# defined in a test stands in for the real module without any #ifdef.
.SECONDEXPANSION:
$(BUILD)/%.a: $$(call objects,$$*) $$(if $$(filter lib,$$*),$(BUILD)/gen/schemas.o) $$(if $$(filter worker,$$*),$(BUILD)/gen/scripts.o) $$(if $$(filter producer,$$*),$(BUILD)/gen/documents.o)
	@mkdir -p $(@D) && rm -f $@
	$(call SAY,ar  )$(AR) rcs $@ $^
$(BUILD)/bin/callcast-%: $(BUILD)/%/main.o $(BUILD)/%.a $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/callcast: $(BUILD)/cli/main.o $(BUILD)/cli.a $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/callcast-demo: $$(call objects,examples) $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/callcast-broker: $(BUILD)/local/broker.o $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(LINK) -ldl
# includes of a program's own folder; the programs never include each other
$(BUILD)/tests/%: INCLUDES := $(FOLDERS:%=-I%) -Itests -Itests/fake
$(filter-out $(SIMULATED),$(TESTS)): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/fake.a $(FOLDERS:%=$(BUILD)/%.a) $(BUILD)/lib.a
	$(LINK) -lcmocka -lavro
# Whole workers on a world of fakes (tests/simulation/world.h): its own clock and chance, and the worker's
# objects with their kill points, which the world carries out.
WORLD    := $(filter-out $(BUILD)/tests/simulation/test_%,$(call objects,tests/simulation))
KILLABLE := $(patsubst $(BUILD)/%,$(BUILD)/killable/%,$(filter-out %/kill_point.o,$(call objects,worker)))
$(BUILD)/killable.a: $(KILLABLE)
	@mkdir -p $(@D) && rm -f $@
	$(call SAY,ar  )$(AR) rcs $@ $^
$(BUILD)/killable/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -DCALLCAST_KILL_POINTS -MMD -MP -c -o $@ $<
$(SIMULATED): $(BUILD)/%: $(BUILD)/%.o $(WORLD) $(BUILD)/killable.a $(BUILD)/lib.a
	$(LINK) -lcmocka
$(SIMULATED): LDFLAGS += -Wl,--wrap=getrandom,--wrap=log_line
$(BUILD)/tests/fake.a: $$(call objects,tests/fake)
	@mkdir -p $(@D) && rm -f $@
	$(call SAY,ar  )$(AR) rcs $@ $^
$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -MMD -MP -c -o $@ $<

# a stack that runs goes down first: afterwards nobody would know its processes
clean:
	@find $(BUILD) -name .callcast-stack -printf '%h\n' 2>/dev/null | while read -r dir; do \
	  ! ls $$dir/*.pid >/dev/null 2>&1 || RUN_DIR=$$dir ./local/stack.sh down </dev/null || exit; done
	rm -rf $(BUILD)

-include local/targets.mk
-include $(shell find $(BUILD) -path $(BUILD)/containers -prune -o -name '*.d' -type f -print 2>/dev/null)

# README's list of settings is the table's own
.PHONY: readme
readme: $(BUILD)/bin/callcast
	awk -v tool="$< settings --markdown" '/^<!-- written by `make readme` -->/ { print; while ((tool | getline line) > 0) print line; skip = 1; next } \
	  /^<!-- end -->/ { skip = 0 } !skip' README.md > $(BUILD)/README.new && mv $(BUILD)/README.new README.md
