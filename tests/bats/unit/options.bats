#!/usr/bin/env bats
load ../helper

setup() { isolate; }

@test "the documented defaults" {
  load_harness
  [[ "$BASE_MODEL" == meta-llama/Meta-Llama-3.1-8B-Instruct ]]
  [[ "$CHECKPOINT_PATH" == Superuser666-Sigil/Llama-3.1-8B-Instruct-Rust-QLora/checkpoint-9000 ]]
  [[ "$NUM_SAMPLES $K_VALUES $SEED $SANDBOX_MODE" == "100 1,10,100 1234 auto" ]]
  [[ "$ENGINE$VLLM_PYTHON" == auto ]]
  [[ "$SKIP_ENV_CHECK $NONINTERACTIVE" == "0 0" ]]
  [[ "$PYTHON_VERSION" == 3.12.11 ]]
  [[ "$VENV_DIR" == "$HOME/.venvs/sigilderg-humaneval" ]]
  [[ "$OUTPUT_DIR" == "$PWD/humaneval_results" ]]
  ((${#OPTION_ERRORS[@]} == 0))
}

@test "every documented spelling of yes and no" {
  local word
  load_harness
  for word in 1 true YES On; do
    NONINTERACTIVE="$word"
    options_load "$PWD" 0
    [[ "$NONINTERACTIVE" == 1 ]]
  done
  for word in 0 false No off ""; do
    NONINTERACTIVE="$word"
    options_load "$PWD" 0
    [[ "$NONINTERACTIVE" == 0 ]]
  done
  ((${#OPTION_ERRORS[@]} == 0))
}

@test "an empty SANDBOX_MODE means auto" {
  SANDBOX_MODE="" load_harness
  [[ "$SANDBOX_MODE" == auto ]]
}

@test "all bad values are reported at once, with exit code 2, and nothing is written" {
  before="$(tree_state "$TEST_DIR")"
  run env NONINTERACTIVE=maybe SKIP_ENV_CHECK=2 NUM_SAMPLES=abc SEED=-1 K_VALUES=1,x SANDBOX_MODE=jail \
    PYTHON_VERSION=3.11.4 TORCH_PROFILE=cu999 BASE_MODEL=/no/such CHECKPOINT_PATH="a b" TASKS=@nothing \
    TORCH_INDEX=ftp://x ENGINE=llama VLLM_PYTHON=/no/python "$PROJECT/eval_setup.sh"
  [[ "$status" == 2 ]]
  for name in NONINTERACTIVE SKIP_ENV_CHECK NUM_SAMPLES SEED K_VALUES SANDBOX_MODE PYTHON_VERSION TORCH_PROFILE \
    BASE_MODEL CHECKPOINT_PATH TASKS TORCH_INDEX ENGINE VLLM_PYTHON; do
    grep -q "^error: $name=" <<<"$output" || { echo "$name is not reported: $output"; false; }
  done
  [[ "$(tree_state "$TEST_DIR")" == "$before" ]]
}

@test "a k above the number of samples is refused, with the remedy" {
  NUM_SAMPLES=5 K_VALUES=1,5,10 run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 ]]
  [[ "$output" == *"pass@10 needs 10 samples, but NUM_SAMPLES is 5"* ]]
  [[ "$output" != *"pass@5"* ]]
}

@test "a rule between options says nothing of a value that is wrong by itself" {
  NUM_SAMPLES=0899999999999999999999 K_VALUES=1,10 OUTPUT_DIR=$'/v/\nx' VENV_DIR=/v run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "${#lines[@]}" == 2 ]]
  [[ "${lines[0]}" == "error: NUM_SAMPLES="* && "${lines[1]}" == "error: OUTPUT_DIR=(not shown): must not contain control characters"* ]]
}

@test "a very long value is refused in a short line" {
  NUM_SAMPLES="$(printf 'x%.0s' {1..50000})" run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "${#output}" -lt 300 ]]
}

@test "relative paths count from where the command is called, also with ~ and .." {
  mkdir -p models/base
  OUTPUT_DIR=../out VENV_DIR='~/venv/' BASE_MODEL=models/base load_harness
  [[ "$OUTPUT_DIR" == "$TEST_DIR/out" ]]
  [[ "$VENV_DIR" == "$HOME/venv" ]]
  [[ "$BASE_MODEL" == "$PWD/models/base" ]]
}

@test "VLLM_PYTHON is for ENGINE=vllm-server alone, and made absolute" {
  fake my-python 'exit 0'
  VLLM_PYTHON="$TEST_DIR/bin/my-python" run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "$output" == *"VLLM_PYTHON=$TEST_DIR/bin/my-python: is for ENGINE=vllm-server alone, and ENGINE is auto"* ]]
  ENGINE=vllm-server VLLM_PYTHON=../bin/my-python load_harness
  [[ "$VLLM_PYTHON" == "$TEST_DIR/bin/my-python" ]]
  ((${#OPTION_ERRORS[@]} == 0))
}

@test "results inside the virtual environment, and HOME as one, are refused" {
  OUTPUT_DIR="$HOME/v/results" VENV_DIR="$HOME/v" run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "$output" == *"OUTPUT_DIR="*"lies inside VENV_DIR"* ]]
  VENV_DIR="$HOME" run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "$output" == *"must be a folder of its own"* ]]
}

@test "a virtual environment whose programs could not name it is refused" {
  local letter
  for letter in : '"' '$' '`' '\'; do
    VENV_DIR="/v/a${letter}b" run "$PROJECT/eval_setup.sh" --check
    [[ "$status" == 2 && "$output" == *"VENV_DIR=/v/a${letter}b: must not contain"* ]]
  done
}

@test "the token is never shown, even when it is refused" {
  HF_TOKEN="hf_SENTINEL with spaces" run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 ]]
  [[ "$output" == *"HF_TOKEN=(not shown)"* && "$output" != *SENTINEL* ]]
}

@test "unknown flags are all reported, with exit code 2" {
  run "$PROJECT/eval_setup.sh" --demoo --check --wat
  [[ "$status" == 2 && "$output" == *--demoo* && "$output" == *--wat* ]]
  run "$PROJECT/eval_setup.sh" --check --plan
  [[ "$status" == 2 && "$output" == *"exclude each other"* ]]
}

@test "--demo has defaults of its own, which the user's values outrank" {
  NUM_SAMPLES=4 K_VALUES=1,2 load_harness 1
  [[ "$BASE_MODEL" == "$HOME/.cache/rusteval/demo/base" ]]
  [[ "$CHECKPOINT_PATH" == "$HOME/.cache/rusteval/demo/adapter/checkpoint-120" ]]
  [[ "$TASKS" == "@$HOME/.cache/rusteval/demo/tasks.txt" ]]
  [[ "$OUTPUT_DIR" == "$PWD/demo_results" ]]
  [[ "$NUM_SAMPLES $K_VALUES $ENGINE" == "4 1,2 transformers" ]]
}

@test "--help and the Markdown table name every option with its default" {
  load_harness
  local name text markdown
  text="$("$PROJECT/eval_setup.sh" --help)"
  markdown="$("$PROJECT/eval_setup.sh" --options-markdown)"
  for name in "${OPTION_NAMES[@]}"; do
    [[ "$text" == *"  $name "*"${OPTION_DEFAULT[$name]}"* ]]
    [[ "$markdown" == *"| \`$name\` | "*"${OPTION_DEFAULT[$name]}"* ]]
  done
}

@test "every documented variable is in the table" {
  load_harness
  local name
  for name in BASE_MODEL CHECKPOINT_PATH NUM_SAMPLES K_VALUES OUTPUT_DIR SANDBOX_MODE SKIP_ENV_CHECK NONINTERACTIVE \
    SEED PYTHON_VERSION VENV_DIR; do
    [[ " ${OPTION_NAMES[*]} " == *" $name "* ]]
  done
}

@test "--demo keeps a DEMO_DIR with & as it is" {
  DEMO_DIR='a & b' load_harness 1
  [[ "$BASE_MODEL" == "$PWD/a & b/base" && "$TASKS" == "@$PWD/a & b/tasks.txt" ]]
}

@test "what a damaged record of the last run says of anything but options is not taken" {
  printf '%s\n' '' '=' 'no equals sign' 'PATH=/nowhere' 'a[$(touch hit)]=1' '@=1' 'SEED=7=8' $'\x01\xff' 'K_VALUES=1,2=' >record
  load_harness
  unset SEED K_VALUES
  path="$PATH"
  options_recall record
  [[ "$PATH" == "$path" && ! -e hit && "$SEED" == 7=8 && "$K_VALUES" == "1,2=" ]]
  options_recall missing
}

@test "numbers and messages are those of the C locale, whatever the user's is" {
  LC_ALL=de_DE.UTF-8 LANG=de_DE.UTF-8 load_harness 2>/dev/null
  [[ "$(printenv LC_ALL)" == C.UTF-8 ]]
}

@test "a HOME that is missing is looked up; where there is none, or a relative one, that is said" {
  unset HOME
  run "$PROJECT/eval_setup.sh" --demo --version
  [[ "$status" == 0 ]]
  fake getent 'exit 2'
  run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "$output" == "error: HOME is not set: "* ]]
  HOME=here run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 && "$output" == "error: HOME is here: "* ]]
}

@test "a relative XDG_STATE_HOME counts from where the command is called" {
  XDG_STATE_HOME=state load_harness
  [[ "$STATE_DIR" == "$PWD/state/rusteval" ]]
}
