# bench.mk - builds the benchmarks and runs them; included by local/targets.mk
#   make bench BROKER=kafka                       on a real Kafka, as the figures in bench/README.md
#   make bench-steps [BROKER=kafka] [ROUNDS=3]    steps a second of 1, 2 and 4 workers
#   make bench-stuck [BROKER=kafka] [ROUNDS=5]    what one stuck call costs the others
#   make bench-instructions [BASE=commit]         instructions of one step, beside those of another commit
#   make bench-lateness BROKER=kafka [RUNS=3]     how late calls are while a worker comes, goes and dies
#   make bench-ids [REQUESTS=100000]              whether the time of a 404 tells whose an id is
#   make bench-soak [CALLS=10000] [RATE=300]      calls that are all up at once, every operation, memory
BENCH_BINS := $(BUILD)/bench/pulse_worker $(BUILD)/bench/commands
BENCH_RUN   = BIN_DIR=$(CURDIR)/$(BUILD)/bin

$(BUILD)/bench/first_webhook $(BUILD)/bench/commands: $(BUILD)/bench/%: $(BUILD)/bench/%.o $(BUILD)/lib.a
	$(LINK)
# the worker itself, with other phones: they stand before the archive, in the place of its carrier_sim.o
$(BUILD)/bench/pulse_carrier.o: INCLUDES := -Iworker
$(BUILD)/bench/pulse_worker: LDFLAGS += -Wl,--wrap=store_save
$(BUILD)/bench/pulse_worker: $(BUILD)/bench/pulse_carrier.o $(BUILD)/worker/main.o $(BUILD)/worker.a $(BUILD)/lib.a
	$(LINK)

-include bench/instructions.mk
-include bench/soak.mk

.PHONY: bench bench-programs bench-workers bench-steps bench-stuck bench-instructions bench-lateness bench-ids
bench-programs: all $(BUILD)/bench/first_webhook
bench-workers: all $(BENCH_BINS)
bench: deps
	@$(MAKE) --no-print-directory $(JOBS) bench-programs
	@$(BENCH_RUN) ./bench/run.sh
bench-steps bench-stuck: bench-%: deps
	@$(SUBMAKE) bench-workers
	@$(BENCH_RUN) ./bench/$*.sh
bench-instructions: deps
	@$(BENCH_RUN) MAKE="$(SUBMAKE)" BUILD=$(BUILD) ./bench/instructions.sh $(BASE)
bench-lateness bench-ids: bench-%: deps
	@$(SUBMAKE) all
	@$(BENCH_RUN) ./bench/$*.sh
