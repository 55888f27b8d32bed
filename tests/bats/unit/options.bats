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

@test "values are taken as text: quotes, semicolons, dollars and newlines run nothing" {
  local value
  for value in '1;touch hit' '$(touch hit)' '`touch hit`' $'1\ntouch hit' "'; touch hit; '" '-n' '{1,2}' '1 2'; do
    NUM_SAMPLES="$value" K_VALUES="$value" BASE_MODEL="$value" TASKS="$value" run "$PROJECT/eval_setup.sh" --check
    [[ "$status" == 2 ]] || { echo "accepted: $value"; false; }
    run ! grep -v "^error: " <<<"$output"
  done
  [[ ! -e hit ]]
}

@test "a k above the number of samples is refused, with the remedy" {
  NUM_SAMPLES=5 K_VALUES=1,5,10 run "$PROJECT/eval_setup.sh" --check
  [[ "$status" == 2 ]]
  [[ "$output" == *"pass@10 needs 10 samples, but NUM_SAMPLES is 5"* ]]
  [[ "$output" != *"pass@5"* ]]
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
