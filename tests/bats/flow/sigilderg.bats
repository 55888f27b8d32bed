#!/usr/bin/env bats
# lib/sigilderg.sh by itself, as a remote scorer's machine uses it: no graphics card, no models, no terminal.
load ../helper

setup_file() { make_ready; }

setup() {
  from_ready
  machine bookworm
}

sigilderg() { "$CHECKOUT/lib/sigilderg.sh" "$@" </dev/null; }

@test "setup needs no graphics card, model or token; a second one changes nothing" {
  unset PYTHON_VERSION
  rm "$VENV/bin/rusteval"
  run sigilderg setup
  echo "$output"
  [[ "$status" == 0 && "$output" == *"Evaluation driver"* && "$output" != *FAIL* && "$output" != *"graphics card:"* ]]
  [[ "$(summary .result)" == ready && "$output" != *"FlashAttention"* && "$output" != *"Demo models"* ]]
  before="$(tree_state "$HOME/.venvs")"
  calls="$(cat "$HOME/uv.log")"
  run sigilderg setup
  [[ "$status" == 0 && "$output" != *"at work"* && "$(cat "$HOME/uv.log")" == "$calls" ]]
  [[ "$(tree_state "$HOME/.venvs")" == "$before" ]]
}

@test "setup looks at the machine before it changes anything" {
  without apt-get
  rm -rf "$HOME/.venvs"
  FAKE_FREE_KB=1000 run sigilderg setup
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  apt"*"FAIL  disk"*"nothing was changed"* && ! -e "$HOME/.venvs" ]]
}

@test "setup keeps out of another run's way" {
  mkdir -p "$HOME/.local/state/rusteval"
  exec 7>>"$HOME/.local/state/rusteval/lock"
  flock -n 7
  run sigilderg setup
  exec 7>&-
  [[ "$status" == 75 && "$output" == *"another run is at work"* ]]
}

@test "evaluate ends with the scorer's own exit code, from any folder, by a symbolic link, and with its options" {
  ln -s "$CHECKOUT/lib/sigilderg.sh" "$TEST_DIR/bin/score"
  mkdir "a folder" && cd "a folder"
  run score evaluate samples.jsonl --json
  echo "$output"
  [[ "$status" == 4 && "$output" == "scored samples.jsonl --json" ]]
}

@test "evaluate runs with the toolchain that setup chose, in the sandbox that was asked for" {
  fake rustc '[[ "${RUSTUP_TOOLCHAIN:-}" == 1.95.0 ]] && echo "rustc 1.95.0 (x)" || echo "rustc 1.70.0 (x)"'
  printf '#!/bin/sh\necho "$RUSTUP_TOOLCHAIN $RUSTEVAL_SANDBOX_MODE $PATH"\n' >"$VENV/bin/rusteval"
  SANDBOX_MODE=firejail run sigilderg evaluate samples.jsonl
  [[ "$status" == 0 && "$output" == "1.95.0 firejail $HOME/.cargo/bin:"* ]]
  SANDBOX_MODE=none run sigilderg evaluate samples.jsonl
  [[ "$status" == 40 && "$output" == *"ALLOW_UNSANDBOXED=YES"* ]]
  SANDBOX_MODE=none ALLOW_UNSANDBOXED=YES run sigilderg evaluate samples.jsonl
  [[ "$status" == 0 && "$output" == *" none "* ]]
}

@test "a wrong call is told the usage, and help is no mistake" {
  local call
  for call in "" "destroy" "setup now" "evaluate"; do
    # shellcheck disable=SC2086  # words
    run sigilderg $call
    [[ "$status" == 2 && "$output" == *"usage: lib/sigilderg.sh setup | evaluate FILE"* ]] || { echo "$call: $output"; false; }
  done
  NUM_SAMPLES=many run sigilderg --help
  [[ "$status" == 0 && "$output" == "usage: "* ]]
  NUM_SAMPLES=many run sigilderg setup
  [[ "$status" == 2 && "$output" == *NUM_SAMPLES* ]]
  rm "$VENV/bin/rusteval"
  run sigilderg evaluate samples.jsonl
  [[ "$status" == 20 && "$output" == *"sigilderg.sh setup"* ]]
}
