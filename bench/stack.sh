# shellcheck shell=bash
# stack.sh - for benchmarks to source: a stack that is gone when they end.  RUN_DIR, BIN_DIR and `tree` are set.

# shellcheck disable=SC2154  # `tree` comes from who sources this
stack_down() {
	"$tree/local/stack.sh" down >/dev/null
	trap - EXIT
}

# shellcheck disable=SC2154
stack_up() {
	"$tree/local/stack.sh" down >/dev/null # of one that was killed
	trap stack_down EXIT
	trap 'exit 130' INT TERM
	"$tree/local/stack.sh" up >/dev/null
	set -a
	# shellcheck source=/dev/null
	source "$RUN_DIR/env"
	set +a
}
