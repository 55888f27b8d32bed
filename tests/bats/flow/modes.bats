#!/usr/bin/env bats
# What looks at a run or steers it: --only, --from, --json, --status, --logs, --stop, --doctor.
# shellcheck disable=SC2016  # bodies of steps are expanded by these
load ../helper

setup_file() { make_ready; }
setup() { from_ready; }

# json ARGUMENT...: run with --json; the object is in object.json, the messages in messages, the exit code in CODE.
json() {
  CODE=0
  "$CHECKOUT/eval_setup.sh" --json "$@" >object.json 2>messages </dev/null || CODE=$?
  jq -es 'length == 1' object.json >/dev/null || {
    cat object.json
    return 1
  }
  [[ "$(object .exit_code)" == "$CODE" ]] || {
    cat messages object.json
    return 1
  }
}

object() { jq -r "$1" object.json; }

# step_body BODY: what the step "driver" does instead, with the driver not there.
step_body() {
  rm -f "$VENV/bin/rusteval"
  sed -i "s|^driver_apply() {.*|driver_apply() { $1; }|" "$CHECKOUT/lib/evaluation.sh"
}

# a_run_at_work: a set-up in the background that waits in the step "driver"; RUN is its process.
a_run_at_work() {
  step_body 'trap "touch $HOME/heard; exit 9" TERM; echo $$ >"$HOME/at-work"; while true; do sleep 0.2; done'
  "$CHECKOUT/eval_setup.sh" "$@" --demo </dev/null >run.out 2>run.err 3>&- &
  RUN=$!
  wait_until test -s "$HOME/at-work"
}

lock_is_free() { flock -n "$HOME/.local/state/rusteval/lock" true; }

@test "--only: these steps, in the order of the set-up, nothing else and no evaluation" {
  rm "$VENV/bin/rusteval" "$VENV/lib/python3"*/site-packages/pinned/data.txt
  run setup_run --demo --only sandbox,driver </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"[10/14] Sandbox"*"[12/14] Evaluation driver: rusteval"* && ! -e demo_results ]]
  [[ "$(summary '[.steps[] | select(.status != "not-run") | .id + "=" + .status] | join(" ")')" == "sandbox=ok driver=done" ]]
  run setup_run --demo --only=packages </dev/null
  [[ "$status" == 0 && "$(summary '.steps[] | select(.status == "done").id')" == packages ]]
  run setup_run --demo --plan --only=rust,packages
  [[ "$output" == *"ok    Pinned packages"*"ok    Rust"* && "$output" != *"ok    PyTorch"* && "$output" != *"Then: the evaluation"* ]]
}

@test "--from: this step, all after it and the evaluation; what is open before it is said and left as it is" {
  rm "$VENV/bin/rusteval" "$VENV/lib/python3"*/site-packages/pinned/data.txt
  run setup_run --demo --from ecosystem </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"Pinned packages is open and left out by --from"*"[ 8/14] SigilDERG"* && "$output" != *"[ 7/14]"* ]]
  [[ "$(summary '[.steps[] | select(.status != "ok") | .id + "=" + .status] | join(" ")')" == "packages=not-run driver=done" ]]
  # the evaluation hears of what the steps before have found
  [[ -f demo_results/call.json && "$(summary .torch_profile) $(summary '.python != ""')" == "cpu true" ]]
  [[ "$(summary '.warnings | join(" ")')" == *"Pinned packages is open"* ]]
}

@test "a step that there is not, and flags that do not go together: exit code 2, everything wrong at once" {
  run setup_run --demo --only torch,nix </dev/null
  [[ "$status" == 2 && "$output" == *"there is no step nix; the steps are: system_deps python venv torch"*demo_models* ]]
  run setup_run --from=nix
  [[ "$status" == 2 && "$output" == *"no step nix"* ]]
  NUM_SAMPLES=x run setup_run --only rust --from rust --follow --bogus --json
  [[ "$status" == 2 && "$output" == *"--only and --from exclude"*"--follow goes with --logs"* && "$output" == *"argument: --bogus"* && "$output" == *NUM_SAMPLES=x* ]]
  run setup_run --status --doctor --only rust
  [[ "$status" == 2 && "$output" == *"--doctor and --status exclude each other"*"--only and --from go with"* ]]
  run setup_run --only
  [[ "$status" == 2 && "$output" == *"--only needs the name of a step"* ]]
  run setup_run --json --attach
  [[ "$status" == 2 && "$output" == *"--json does not go with --attach"* ]]
  run setup_run --plan --help
  [[ "$status" == 0 && "$output" == "Usage: "* ]]
  [[ ! -e "$HOME/.local/state" ]]
}

@test "--json with --check, --plan and --doctor: one object, whatever characters there are" {
  export OUTPUT_DIR=$'a "b" \\ ü'
  json --demo --check
  [[ "$(object .mode) $(object .exit_code) $(object .validated_regime)" == "check 0 false" ]]
  [[ "$(object '.findings[] | select(.name == "disk") | .level + .message')" == ok*'"b"'* ]]
  [[ "$(<messages)" == *"ok    architecture"* ]]
  rm "$VENV/bin/rusteval"
  json --demo --plan
  [[ "$(object '.steps[] | select(.id == "driver") | [.title, .state, .fact] | join("|")')" == "Evaluation driver|open|not installed" ]]
  [[ "$(object '[.steps[] | select(.state == "ok")] | length')" -ge 12 ]]
  machine bookworm
  json --check
  [[ "$CODE" == 10 && "$(object '.findings[] | select(.name == "gpu" and .level == "FAIL").fix')" == *SKIP_ENV_CHECK=1* ]]
}

@test "--json with a run: its summary, also when it fails; what the preflight found; and what is wrong with the settings" {
  json --demo
  [[ "$CODE" == 0 && "$(object '[.schema_version, .mode, .result, .demo] | join(" ")')" == "1 run ready true" ]]
  cmp object.json "$HOME/.local/state/rusteval/latest/summary.json"
  [[ "$(object .run_id)" == "$(basename "$(readlink "$HOME/.local/state/rusteval/latest")")" ]]
  [[ "$(object '.started <= .finished')" == true && "$(object .config.NUM_SAMPLES)" == 8 ]]
  [[ "$(object '.findings | length')" -gt 3 && "$(<messages)" == *"evaluation: end"* ]]
  [[ "$(object '.steps[] | select(.id == "rust") | [.fact, .log] | join("|")')" == "rustc 1.95.0 with Clippy"*"|rust.log" ]]
  step_body 'exit 7'
  HF_TOKEN=hf_SENTINEL TORCH_INDEX=http://user:SENTINEL@127.0.0.1:9 json --demo
  [[ "$CODE" == 20 && "$(object '.result + (.steps[] | select(.id == "driver") | .status + (.attempts | tostring))')" == failedfailed1 ]]
  [[ "$(object '.config | .HF_TOKEN + " " + .TORCH_INDEX')" == "set http://***@127.0.0.1:9" ]]
  run ! grep SENTINEL object.json "$HOME/.local/state/rusteval/latest/summary.json" "$HOME/.local/state/rusteval/latest/run.log"
  json --demo
  [[ "$(object '.steps[] | select(.id == "driver").attempts')" == 2 && "$(<messages)" == *"try 2 in a row"* ]]
  machine bookworm
  json
  [[ "$CODE" == 10 && "$(object '.mode + (.findings[] | select(.name == "os").level)')" == runFAIL && "$(object .errors[0])" == *"does not fit"* ]]
  NUM_SAMPLES=0 SEED=x json
  [[ "$CODE" == 2 && "$(object '.errors | length')" -ge 2 && "$(object '.errors[]')" == *"SEED=x"* ]]
}

@test "--json with a run that is interrupted, and with one that finds another at work" {
  a_run_at_work --json
  json --demo
  [[ "$CODE" == 75 && "$(object '.errors[0]')" == *"another run is at work"*"step driver"*--stop* ]]
  kill -TERM "$RUN"
  wait "$RUN" || [[ "$?" == 130 ]]
  jq -e '.result == "interrupted" and .exit_code == 130 and (.steps[] | select(.id == "driver").status == "at-work")' run.out
}

@test "--status: whether a set-up is at work, and how the last one ended" {
  json --demo --status
  [[ "$(object '.setup | [.running, .last_result] | map(tostring) | join(" ")')" == "false null" && "$(object .evaluation)" == null ]]
  a_run_at_work
  json --demo --status
  [[ "$(object '.setup | [.running, .step, .holder] | map(tostring) | join(" ")')" == "true driver $(<"$HOME/at-work")" ]]
  grep -q "at work: process $(<"$HOME/at-work"), step driver since ..:..:.." messages
  kill -KILL "$RUN"
  kill -KILL -- "-$(<"$HOME/at-work")"
  wait "$RUN" || true
  wait_until lock_is_free
  json --demo --status
  [[ "$(object '.setup | [.running, .last_result, .failed_step] | map(tostring) | join(" ")')" == "false killed driver" ]]
  step_body 'exit 7'
  run setup_run --demo </dev/null
  json --demo --status
  [[ "$(object '.setup | .last_result + " " + .failed_step')" == "failed driver" ]]
  grep -q "the last run: failed in step driver; its log: .*--logs driver" messages
}

@test "--logs: the last run's, a step's, the evaluation's; where one is missing, the newest that there is" {
  run setup_run --logs
  [[ "$status" == 0 && "$output" == *"no log"*none* ]]
  step_body 'echo "words of the step"; exit 7'
  run setup_run --demo </dev/null
  run setup_run --logs driver
  [[ "$output" == *"latest"* || "$output" == *"/driver.log:"*"words of the step"* ]]
  first="$(readlink "$HOME/.local/state/rusteval/latest")"
  run setup_run --demo --only rust </dev/null
  run setup_run --logs driver
  [[ "$status" == 0 && "$output" == *"the last run has no log of driver"*"$first/driver.log" && "$output" != *"words"* ]]
  run setup_run --logs
  [[ "$output" == *"/run.log:"*"Rust: rustc"* ]]
  run setup_run --logs=evaluation
  [[ "$output" == *none* ]]
  run setup_run --logs nix
  [[ "$status" == 2 && "$output" == *"no log nix; the names are: evaluation system_deps"* ]]
}

@test "--logs --follow shows what comes, and ends with the step's run" {
  step_body 'touch "$HOME/at-work"; until [[ -e "$HOME/go-on" ]]; do sleep 0.1; done; echo "late words"; exit 7'
  "$CHECKOUT/eval_setup.sh" --demo </dev/null >run.out 2>&1 3>&- &
  wait_until test -e "$HOME/at-work"
  "$CHECKOUT/eval_setup.sh" --logs --follow >followed 2>&1 3>&- &
  follower=$!
  wait_until grep -q "Evaluation driver: at work" followed
  touch "$HOME/go-on"
  wait "$follower"
  grep -q "error: step driver" followed
}

@test "--stop: a set-up at work is interrupted" {
  run setup_run --stop
  [[ "$status" == 0 && "$output" == "nothing is at work" ]]
  a_run_at_work
  run setup_run --stop
  echo "$output"
  [[ "$status" == 0 && "$output" == *"stopped the set-up (process $(<"$HOME/at-work"), step driver since"* ]]
  code=0
  wait "$RUN" || code=$?
  [[ "$code" == 130 && "$(summary .result)" == interrupted ]]
  run ! kill -0 "$(<"$HOME/at-work")"
  lock_is_free
}

@test "--stop: a step that outlived its killed run, and one that hears no signal" {
  a_run_at_work
  kill -KILL "$RUN"
  wait "$RUN" || true
  run setup_run --stop
  [[ "$status" == 0 && "$output" == *"stopped the set-up (process $(<"$HOME/at-work"), step driver"* && -e "$HOME/heard" ]]
  lock_is_free
  rm "$HOME/at-work"
  step_body 'trap "" TERM; echo $$ >"$HOME/at-work"; while true; do sleep 1; done'
  "$CHECKOUT/eval_setup.sh" --demo </dev/null >run.out 2>&1 3>&- &
  wait_until test -s "$HOME/at-work"
  RUSTEVAL_STOP_GRACE=1 run setup_run --stop
  [[ "$status" == 0 ]]
  wait_until lock_is_free
}

@test "--stop: an evaluation in the foreground of another terminal is interrupted as by Ctrl-C" {
  RUSTEVAL_TEST_HOLD=1 "$CHECKOUT/eval_setup.sh" --demo </dev/null >run.out 2>&1 3>&- &
  run_process=$!
  wait_until test -s demo_results/status.json
  json --demo --status
  [[ "$(object '.setup.running, .evaluation.state' | paste -sd' ')" == "false running" ]]
  run setup_run --stop
  echo "$output"
  [[ "$status" == 0 && "$output" == *"stopped the evaluation"*demo_results* && "$output" != *"stopped the set-up"* ]]
  code=0
  wait "$run_process" || code=$?
  [[ "$code" == 130 && "$(<demo_results/stopped-by)" == 15 ]]
  lock_is_free
}

@test "--doctor: models, FlashAttention and the sandbox are proofs, too" {
  mkdir -p models/base models/adapter
  export BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter
  json --doctor
  echo "$(<messages)"
  [[ "$(object '[.proofs[] | select(.name == "model access").ok] | join(" ")')" == true* ]]
  [[ "$(object '.proofs[] | select(.name == "the sandbox compiles and runs").ok')" == true ]]
  # the stand-in packages have no FlashAttention
  if [[ "$PYTHON_VERSION" == 3.12.* ]]; then
    [[ "$CODE" == 20 && "$(object '.proofs[] | select(.name == "FlashAttention computes").ok')" == false ]]
    grep -q "FAIL  FlashAttention computes: .*flash_attn" messages
  fi
  echo 3 >"$CHECKOUT/doctor.exit"
  json --doctor
  [[ "$CODE" == 40 && "$(object '.proofs[] | select(.name == "the sandbox compiles and runs") | .ok, .message' | paste -sd' ')" == "false error: no sandbox"* ]]
}
