#!/usr/bin/env bats
# Values that try to be more than text: never executed, refused in one line each, or taken unchanged to where they go.
load ../helper

setup() {
  isolate
  export LC_ALL=C.UTF-8
  FUZZ="$BATS_TEST_DIRNAME/fuzz_options" PYTHON="$(PATH="$ORIGINAL_PATH" a_python)"
}

# fuzz VERB KIND SEED COUNT: make the cases, give them to the harness, judge what has become of them.
fuzz() {
  bash "$FUZZ.bash" "$PROJECT" types
  "$PYTHON" -X utf8 "$FUZZ.py" make "${@:2}" "$PWD"
  bash "$FUZZ.bash" "$PROJECT" "$1" 2>messages 3>&- || echo "exit code $?" >>messages
  cut -c1-500 messages
  "$PYTHON" -X utf8 "$FUZZ.py" judge "${@:2}" "$PWD"
  [[ ! -s messages ]]
  [[ -z "$(find / "$HOME" "$TEST_DIR" -maxdepth 2 -name CANARY)" ]]
}

@test "400 sets of values: exactly the bad ones are named, each in one line, and the good ones arrive unchanged" {
  fuzz load any 1 400
}

@test "60 sets of bad values given to the command: exit code 2, all named together, nothing else said, nothing written" {
  fuzz command bad 2 60
  [[ -z "$(ls -A "$HOME")" ]]
}

@test "60 sets of good values arrive in the evaluation's arguments and environment as they are" {
  fake rustc 'echo "rustc 1.95.0 (x)"'
  fake clippy-driver 'true'
  fuzz evaluation good 3 60
}

@test "60 sets of good values are remembered and recalled, but for secrets" {
  fuzz recall good 4 60
}
