# chaos.mk - builds the fault harness and runs it; included by local/targets.mk
#   make chaos SEED=7 RUNS=30     seeds 7 to 36 on one Kafka node
#   make chaos NODES=3 RUNS=5     on three, with a broker killed and started again
# Its programs have kill points, so they are in a folder of their own.
SEED        ?= 1
RUNS        ?= 1
NODES       ?= 1
CHAOS       := build/chaos
CHAOS_TOOLS := $(BUILD)/bin/callcast-dump $(BUILD)/bin/callcast-poison $(BUILD)/bin/callcast-proxy
CHAOS_BINS  := $(CHAOS_TOOLS) $(BUILD)/bin/redirect.so

.PHONY: chaos chaos-build chaos-programs
$(CHAOS_TOOLS): $(BUILD)/bin/callcast-%: $(BUILD)/tests/chaos/%.o $(BUILD)/lib.a
	@mkdir -p $(@D)
	$(LINK)
$(BUILD)/bin/redirect.so: tests/chaos/redirect.c
	@mkdir -p $(@D)
	$(COMPILE) -shared -fPIC -o $@ $< -ldl

chaos-programs: $(PROGRAMS) $(CHAOS_BINS)
chaos-build:
	@$(MAKE) --no-print-directory $(JOBS) BUILD=$(CHAOS) CPPFLAGS="$(CPPFLAGS) -DCALLCAST_KILL_POINTS" chaos-programs
chaos: deps-test chaos-build
	@BIN_DIR=$(CURDIR)/$(CHAOS)/bin ./tests/chaos/run.sh --seed $(SEED) --runs $(RUNS) --nodes $(NODES)
