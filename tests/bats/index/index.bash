# shellcheck shell=bash disable=SC2034  # the tests read what is set here
# A local index for a test: index_start sets INDEX (its folder) and SERVER (its address); index_stop belongs in teardown.

index_start() {
  INDEX="$TEST_DIR/index"
  mkdir -p "$INDEX"
  rm -f "$INDEX/port"
  PATH="$ORIGINAL_PATH" python3 "$PROJECT/tests/bats/index/server.py" "$INDEX" >"$TEST_DIR/index.log" 2>&1 3>&- 8>&- 9>&- &
  INDEX_PROCESS=$!
  wait_until test -s "$INDEX/port"
  SERVER="http://127.0.0.1:$(<"$INDEX/port")"
}

index_stop() {
  [[ -z "${INDEX_PROCESS:-}" ]] || kill "$INDEX_PROCESS" 2>/dev/null || true
}

# faults LINE...: what the index is to do wrong from now on.
faults() { printf '%s\n' "$@" >"$INDEX/faults"; }

# asked PATTERN: how often a path with this in it was asked for.
asked() { grep -cEs -- "$1" "$INDEX/requests" || [[ -e "$INDEX/requests" ]] || echo 0; }
