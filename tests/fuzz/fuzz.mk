# fuzz.mk - a fuzzer for each decoder of bytes that come from outside; included by local/targets.mk
#   make fuzz                        each target for a minute, with libFuzzer, ASan and UBSan
#   make fuzz TIME=1200              for so many seconds
#   make fuzz FUZZ=body_create       one of them; FUZZ='body_% http_%' some
# `make check` runs the same targets with driver.c instead: corpus and seeded mutations, whatever the compiler.
TIME     ?= 60
FUZZ     ?= %
FUZZERS  := $(filter-out tests/fuzz/fuzz_body.c tests/fuzz/fuzz_record.c,$(wildcard tests/fuzz/fuzz_*.c))
FUZZERS  := $(FUZZERS:%.c=$(BUILD)/%)
FUZZ_SHARED := $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/tests/fuzz/fuzz_body.o $(BUILD)/tests/fuzz/fuzz_record.o
# libFuzzer brings its own main(); which of the two is meant is the folder's matter
FUZZ_MAIN := $(if $(LIBFUZZER),,$(BUILD)/tests/fuzz/driver.o)
FUZZ_BUILD := $(BUILD)/libfuzzer
FUZZ_CFLAGS := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

TESTS += $(FUZZERS)
$(BUILD)/tests/fuzz.a: $(FUZZ_SHARED)
	@mkdir -p $(@D) && rm -f $@
	$(call SAY,ar  )$(AR) rcs $@ $^
# a target is linked before the archives: what it defines stands in for the real module
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(FUZZ_MAIN) $(BUILD)/tests/fuzz.a $(BUILD)/producer.a $(BUILD)/worker.a $(BUILD)/notifier.a $(BUILD)/lib.a
	$(LINK)

.PHONY: fuzz fuzz-programs
fuzz-programs: $(filter $(FUZZ:%=$(BUILD)/tests/fuzz/fuzz_%),$(FUZZERS))
fuzz:
	@$(PACKAGES) build fuzz
	@$(SUBMAKE) fuzz-programs BUILD=$(FUZZ_BUILD) LIBFUZZER=yes CC=clang \
	  CFLAGS="$(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link" LDFLAGS="-fsanitize=fuzzer"
	@./tests/fuzz/run.sh $(TIME) $(sort $(patsubst $(BUILD)/%,$(FUZZ_BUILD)/%,$(filter $(FUZZ:%=$(BUILD)/tests/fuzz/fuzz_%),$(FUZZERS))))
