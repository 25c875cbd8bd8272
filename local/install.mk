# install.mk - manual pages and `make install`, made with the tool itself.  Included by targets.mk.
# make install [PREFIX=/usr/local] [DESTDIR=]
PREFIX  ?= /usr/local
MANUALS := $(BUILD)/man/callcast.1 $(addprefix $(BUILD)/man/callcast-,producer.8 worker.8 notifier.8)
PLACE    = install -D -m

.PHONY: man install
man: $(MANUALS)
$(MANUALS): $(BUILD)/bin/callcast
	@mkdir -p $(@D)
	$(call SAY,man )$< man $(basename $(@F)) > $@.tmp && mv $@.tmp $@
$(BUILD)/completion/callcast: $(BUILD)/bin/callcast
	@mkdir -p $(@D)
	$(call SAY,bash)$< completion bash > $@.tmp && mv $@.tmp $@

install: $(PROGRAMS) $(MANUALS) $(BUILD)/completion/callcast
	@for file in $(notdir $(PROGRAMS)); do $(PLACE) 755 $(BUILD)/bin/$$file $(DESTDIR)$(PREFIX)/bin/$$file || exit; done
	@for file in $(notdir $(MANUALS)); do $(PLACE) 644 $(BUILD)/man/$$file $(DESTDIR)$(PREFIX)/share/man/man$${file##*.}/$$file || exit; done
	@$(PLACE) 644 $(BUILD)/completion/callcast $(DESTDIR)$(PREFIX)/share/bash-completion/completions/callcast
	@for file in README.md callcast.conf tenants.json; do \
	  $(PLACE) 644 examples/$$file $(DESTDIR)$(PREFIX)/share/doc/callcast/examples/$$file || exit; done
