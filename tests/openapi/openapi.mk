# openapi.mk - included by local/targets.mk
#   make schemathesis CASES=5000 SEED=1     requests made from the API's document, against the real producer; needs PyPI
CASES ?= 5000

.PHONY: schemathesis
schemathesis: deps
	@$(PACKAGES) openapi
	@$(SUBMAKE) all
	@BIN_DIR=$(CURDIR)/$(BUILD)/bin ./tests/openapi/run.sh $(CASES) $(SEED)
