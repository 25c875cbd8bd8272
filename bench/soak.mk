# soak.mk - calls that are all up at once; included by bench.mk
.PHONY: bench-soak
bench-soak: deps
	@$(SUBMAKE) all
	@$(BENCH_RUN) ./bench/soak.sh
