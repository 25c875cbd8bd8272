# instructions.mk - bench/step_instructions, linked with this tree's worker and worlds.  Included by bench.mk, and given to
# an older commit's Makefile by bench/instructions.sh.  Of the worlds' folder, whatever its name is there, only what is
# asked for is linked: so they are an archive, which stands before worker.a and plays what the worker stands on.
ifndef INSTRUCTIONS_WORLD
INSTRUCTIONS_WORLD := $(filter-out $(wildcard tests/*/test_*.c),$(wildcard tests/simulation/*.c tests/world/*.c))

$(BUILD)/bench/step_instructions.o: bench/step_instructions.c
	@mkdir -p $(@D)
	$(COMPILE) -Itests -MMD -MP -c -o $@ $<
$(BUILD)/bench/worlds.a: $(INSTRUCTIONS_WORLD:%.c=$(BUILD)/%.o)
	@mkdir -p $(@D) && rm -f $@
	$(call SAY,ar  )$(AR) rcs $@ $^
$(BUILD)/bench/step_instructions: LDFLAGS += -Wl,--wrap=getrandom,--wrap=log_line
$(BUILD)/bench/step_instructions: $(BUILD)/bench/step_instructions.o $(BUILD)/bench/worlds.a $(BUILD)/worker.a $(BUILD)/lib.a
	$(LINK)
endif
