# containers.mk - the image and docker-compose.yml, run for real; included by local/targets.mk
#   make containers-test      as root on Debian; tests/containers/run.sh says what it does and leaves alone
.PHONY: containers-test
containers-test: deps
	@./tests/containers/run.sh
