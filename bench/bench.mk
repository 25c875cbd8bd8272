# bench.mk - builds the benchmarks and runs them; included by local/targets.mk
#   make bench BROKER=kafka     on a real Kafka, as the figures in bench/README.md
$(BUILD)/bench/first_webhook: $(BUILD)/bench/first_webhook.o $(BUILD)/lib.a
	$(LINK)

.PHONY: bench bench-programs
bench-programs: all $(BUILD)/bench/first_webhook
bench: deps
	@$(MAKE) --no-print-directory $(JOBS) bench-programs
	@BIN_DIR=$(CURDIR)/$(BUILD)/bin ./bench/run.sh
