#!/usr/bin/env bats
# What breaks on real machines, by the kernel's own means: no network, disks that are full or cannot be written to, a
# power cut, a closed terminal, no rights. The last words say what to do, and what was begun can be finished.
load ../helper

setup_file() {
  export CI_HERE="${CI:-}"
  make_ready
}

setup() { from_ready; }
teardown() { tmux -L person kill-server 2>/dev/null || true; }

# need COMMAND...: what the kernel must allow here.
need() {
  "$@" 2>/dev/null && return 0
  [[ -z "$CI_HERE" ]] || { echo "not allowed here: $*"; return 1; }
  skip "not allowed here: $*"
}

# a_registry: as on a machine whose packages come from a registry, not from a folder.
a_registry() {
  unset PIP_NO_INDEX PIP_FIND_LINKS
  export PIP_CONFIG_FILE=/dev/null
}

# on_mounts SCRIPT COMMAND...: after SCRIPT, whose mounts end with COMMAND.
on_mounts() { unshare --mount bash -c 'eval "$1"; shift; exec "$@" </dev/null' - "$@"; }

nothing_made() { [[ -z "$(find "$HOME" -mindepth 1)" && -z "$(find "$TEST_DIR/cwd" -mindepth 1)" ]]; }

lock_is_free() { flock -n "$HOME/.local/state/rusteval/lock" true; }

@test "no network, and nothing is there yet: it is said before anything is made" {
  need unshare --net true
  from_nothing
  a_registry
  run unshare --net "$CHECKOUT/eval_setup.sh" --demo </dev/null
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  network: "*"no such host, or no network"*"fix: check the network"* ]]
  nothing_made
}

@test "no network, and all is there: nothing is missed" {
  need unshare --net true
  run unshare --net "$CHECKOUT/eval_setup.sh" --demo </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"The evaluation is done."* ]]
}

@test "a dead proxy: the finding names the proxy settings" {
  from_nothing
  a_registry
  http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9 run setup_run --demo </dev/null
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  network: "*"fix: "*"https_proxy"* ]]
  nothing_made
}

@test "too small a disk is found before anything is made" {
  need unshare --mount true
  from_nothing
  rm "$TEST_DIR/bin/df"
  run on_mounts 'mount -t tmpfs -o size=64m none "$HOME"' "$CHECKOUT/eval_setup.sh" --demo
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  disk: 0 GiB free, but "*"$HOME/.venvs"*"fix: free some space"* ]]
  nothing_made
}

@test "a disk that fills up while a step is at work: the cause and the fix are named; with more room it goes on" {
  need unshare --mount true
  from_nothing
  # full only once the step has begun: the preflight has seen enough
  fake df '[[ -d "$HOME/.venvs" && ! -e "$HOME/room" ]] && exec /usr/bin/df "$@"; echo; echo "/dev/sda1 1 1 900000000 1% /"'
  run on_mounts 'mount -t tmpfs -o size=6m none "$HOME"' bash -c '
    "$0" --demo
    echo "CODE $?"
    mount -o remount,size=900m "$HOME" && touch "$HOME/room"
    "$0" --demo' "$CHECKOUT/eval_setup.sh"
  echo "$output"
  [[ "$output" == *"error: step venv "*"Likely cause: the disk is full"*"Fix: free some space"*"CODE 20"* ]]
  [[ "$status" == 0 && "$output" == *"CODE 20"*"The evaluation is done."* ]]
}

@test "a full disk for the results: the evaluation's failure names it" {
  need unshare --mount true
  run on_mounts 'mkdir demo_results; mount -t tmpfs -o size=16k none demo_results; head -c 16k /dev/zero >demo_results/full' \
    "$CHECKOUT/eval_setup.sh" --demo
  echo "$output"
  [[ "$status" == 1 && "$output" == *"No space left on device"*"ended with exit code 1"*"goes on where it stopped"* ]]
}

@test "folders that cannot be written to are found before anything is made, each by name" {
  need unshare --mount true
  from_nothing
  run on_mounts 'mount --bind "$HOME" "$HOME"; mount -o remount,bind,ro "$HOME"' "$CHECKOUT/eval_setup.sh" --demo
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  disk: $HOME/.venvs/sigilderg-humaneval: nothing can be written there"*"set VENV_DIR"* ]]
  [[ "$output" == *"FAIL  disk: $HOME/.local/state/rusteval: nothing can be written there"* ]]
  nothing_made
}

@test "a user with no rights and no home of their own" {
  need runuser -u nobody -- true
  from_nothing
  all_packages curl git
  chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_SUITE_TMPDIR" "$TEST_DIR"
  run runuser -u nobody -- env HOME=/nonexistent "$CHECKOUT/eval_setup.sh" --demo </dev/null
  echo "$output"
  [[ "$status" == 10 ]]
  [[ "$output" == *"/nonexistent/.venvs/sigilderg-humaneval: nothing can be written there"* ]]
  [[ "$output" == *"FAIL  privileges: "*"run: sudo apt-get install "*"curl git"* ]]
  nothing_made
}

@test "another card, and a driver that does not fit its module: what was found, and what is wanted" {
  machine jammy 570-h100 "NVIDIA A100-SXM4-80GB"
  run setup_run </dev/null
  [[ "$status" == 10 && "$output" == *"FAIL  gpu: the graphics card is NVIDIA A100-SXM4-80GB, not an H100"*"SKIP_ENV_CHECK=1"* ]]
  machine jammy mismatch
  run setup_run </dev/null
  [[ "$status" == 10 && "$output" == *"FAIL  gpu: "*"Driver/library version mismatch"*"SKIP_ENV_CHECK=1"* ]]
  [[ -z "$(find "$TEST_DIR/cwd" -mindepth 1)" ]]
}

@test "two at once: one does the work, the other says whom to wait for; both results are whole" {
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {/driver_apply() { touch "$HOME\/at-work"; until [[ -e "$HOME\/go-on" ]]; do sleep 0.1; done; /' \
    "$CHECKOUT/lib/evaluation.sh"
  for name in a b; do
    (code=0; setup_run --demo </dev/null >"$name.log" 2>&1 || code=$?; echo "$code" >"$name.code") 3>&- &
  done
  some_ended() { [[ -s a.code || -s b.code ]]; }
  wait_until some_ended
  wait_until test -e "$HOME/at-work"
  touch "$HOME/go-on"
  wait
  cat a.log b.log
  [[ "$(sort -n a.code b.code | tr '\n' ' ')" == "0 75 " ]]
  grep -q "another run is at work" a.log b.log
  grep -q "The evaluation is done" a.log b.log
}

@test "the terminal is closed while a step is at work: the step ends, the lock is free, and a rerun goes on from there" {
  rm "$VENV/bin/rusteval"
  cp "$CHECKOUT/lib/evaluation.sh" whole
  sed -i 's/^driver_apply() {.*/driver_apply() { echo $$ >"$HOME\/at-work"; sleep 600; }/' "$CHECKOUT/lib/evaluation.sh"
  tmux -L person new-session -d "$CHECKOUT/eval_setup.sh --demo" 3>&-
  wait_until test -s "$HOME/at-work"
  tmux -L person kill-server
  wait_until lock_is_free
  [[ "$(summary .result)" == interrupted ]]
  run ! kill -0 "$(<"$HOME/at-work")"
  grep -q "interrupted in step driver; run the same command" "$HOME/.local/state/rusteval/latest/run.log"
  cp whole "$CHECKOUT/lib/evaluation.sh"
  run setup_run --demo </dev/null
  [[ "$status" == 0 && "$(summary '[.steps[] | select(.status == "done").id] | join(",")')" == *driver* ]]
}

@test "the terminal is closed while the evaluation runs in it: it saves what it has, and --status says how to go on" {
  RUSTEVAL_TEST_HOLD=1 tmux -L person new-session -d "$CHECKOUT/eval_setup.sh --demo" 3>&-
  wait_until test -s demo_results/status.json
  tmux -L person kill-server
  wait_until test -s "$HOME/.local/state/rusteval/latest-evaluation/eval.exit"
  wait_until lock_is_free
  [[ "$(<demo_results/stopped-by)" == 15 ]]
  run setup_run --status
  echo "$output"
  [[ "$output" == *"ended with exit code 130"* ]]
}
