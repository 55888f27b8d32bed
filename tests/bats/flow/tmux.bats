#!/usr/bin/env bats
# The evaluation in a real tmux, on a server of the test's own.
load ../helper

setup_file() { make_ready; }

setup() {
  from_ready
  mkdir models models/base models/adapter
  export BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter FLASH_ATTN=off TORCH_PROFILE=cpu SKIP_ENV_CHECK=1
  export NONINTERACTIVE=1 RUSTEVAL_TEST_HOLD=1
  fake gh true # logged in
}

teardown() { tmux kill-server 2>/dev/null || true; }

status_of() { jq -r "$1" humaneval_results/status.json; }

exit_file() { echo "$HOME/.local/state/rusteval/latest-evaluation/eval.exit"; }

dead() { [[ "$(tmux list-panes -t '=sigilderg-eval:' -F '#{pane_dead}')" == 1 ]]; }

@test "NONINTERACTIVE: returns 0 once the evaluation runs, does not attach, and leaves no lock; the exit code survives" {
  run setup_run </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"--status"*"--attach"* && "$output" == *"assumed: "* ]]
  tmux has-session -t =sigilderg-eval
  [[ "$(status_of .state)" == running && -z "$(tmux list-clients)" ]]
  flock -n "$HOME/.local/state/rusteval/lock" true
  # as somebody would ask who comes back later, with none of the variables set
  unset BASE_MODEL CHECKPOINT_PATH FLASH_ATTN TORCH_PROFILE SKIP_ENV_CHECK PYTHON_VERSION
  run setup_run --status
  echo "$output"
  [[ "$output" == *"running in the tmux session"*"generate base (running)"*"3 of 9, 1.5 per second, 4 s left"* ]]
  [[ "$output" != *"  open "* ]]
  jq '.samples_done = 0 | .samples_per_second = 0 | .eta_s = null' humaneval_results/status.json >status.new
  mv status.new humaneval_results/status.json
  run setup_run --status
  [[ "$output" == *"  0 of 9"* && "$output" != *null* ]]
  jq '.samples_done = 5 | .samples_per_second = 2.5 | .tokens_per_second = 410.2 | .eta_s = 2' humaneval_results/status.json >status.new
  mv status.new humaneval_results/status.json
  setup_run --status --json 2>messages >object.json
  grep -q "5 of 9, 2.5 per second (410.2 tokens), 2 s left" messages
  jq -e --arg results "$PWD/humaneval_results" '.evaluation | .state == "running" and .stage == "generate" and .samples_done == 5
    and .tokens_per_second == 410.2 and .eta_s == 2 and .exit_code == null and .results == $results and .session == "sigilderg-eval"' object.json
  touch humaneval_results/go-on
  wait_until dead
  [[ "$(<"$(exit_file)")" == 0 ]]
  [[ "$(tmux capture-pane -p -t '=sigilderg-eval:')" == *"evaluation: end"* ]]
  grep -q "evaluation: end" "$HOME/.local/state/rusteval/latest-evaluation/eval.log"
  run setup_run --status
  [[ "$output" == *"ended with exit code 0"* ]]
}

@test "results lie where the command was called, also with a tmux server that was started elsewhere with other settings" {
  (cd / && HF_HOME=/elsewhere NUM_SAMPLES=3 OUTPUT_DIR=/elsewhere tmux new-session -d -s other "sleep 600" 3>&-)
  HF_HOME="$PWD/hub" NUM_SAMPLES=12 K_VALUES=1,2 run setup_run </dev/null
  [[ "$status" == 0 ]]
  [[ "$(jq -r '.env.HF_HOME + " " + .cwd + " " + .argv["--num-samples"]' humaneval_results/call.json)" == "$PWD/hub $PWD 12" ]]
  [[ "$(jq -r .env.PYTHONPATH humaneval_results/call.json)" == null ]]
}

@test "an existing session of exactly that name is replaced after its evaluation was asked to stop; others stay" {
  tmux new-session -d -s sigilderg-eval-old "sleep 600" 3>&-
  setup_run </dev/null
  rm humaneval_results/call.json
  run setup_run </dev/null
  [[ "$status" == 0 ]]
  [[ "$(<humaneval_results/stopped-by)" == 15 ]]
  [[ "$(cat "$HOME"/.local/state/rusteval/runs/*/eval.exit)" == 130 ]]
  tmux has-session -t =sigilderg-eval-old
  [[ "$(tmux list-sessions -F '#{session_name}' | sort | tr '\n' ' ')" == "sigilderg-eval sigilderg-eval-old " ]]
  [[ -f humaneval_results/call.json ]]
}

@test "without NONINTERACTIVE and without a terminal an existing session is left as it is" {
  setup_run </dev/null
  pane="$(tmux list-panes -t =sigilderg-eval: -F '#{pane_pid}')"
  NONINTERACTIVE=0 run setup_run </dev/null
  [[ "$status" == 0 && "$output" == *"was left as it is"* ]]
  [[ "$(tmux list-panes -t =sigilderg-eval: -F '#{pane_pid}')" == "$pane" ]]
}

@test "an evaluation that ends at once did not start: exit code 50, with its last words, whatever an earlier run left" {
  mkdir humaneval_results
  echo '{"state": "running"}' >humaneval_results/status.json
  RUSTEVAL_TEST_REFUSE=1 run setup_run </dev/null
  echo "$output"
  [[ "$status" == 50 && "$output" == *"adapter is for another base model"*"did not start"*"exit code 1"* ]]
}

@test "an evaluation that does not report itself did not start: exit code 50" {
  echo 'import time; time.sleep(600)' >"$CHECKOUT/scripts/evaluate_humaneval.py"
  RUSTEVAL_START_TIMEOUT=2 run setup_run </dev/null
  [[ "$status" == 50 && "$output" == *"has not reported itself"* ]]
}

@test "--stop: the evaluation is ended as by Ctrl-C, and the session closed" {
  setup_run </dev/null
  run setup_run --stop
  echo "$output"
  [[ "$status" == 0 && "$output" == *"stopped the evaluation"*"$PWD/humaneval_results"*"closed the tmux session"* ]]
  [[ "$(<humaneval_results/stopped-by)" == 15 && "$(<"$(exit_file)")" == 130 ]]
  run ! tmux has-session -t =sigilderg-eval
  setup_run --status --json 2>/dev/null | jq -e '.evaluation | .state == "ended" and .exit_code == 130 and .session == null'
  run setup_run --stop
  [[ "$output" == "nothing is at work" ]]
}

@test "--stop: an evaluation that hears no signal is killed, and one that outlived its launcher is found" {
  sed -i 's/^signal.signal(signal.SIGTERM.*/signal.signal(signal.SIGTERM, signal.SIG_IGN)/' "$CHECKOUT/scripts/evaluate_humaneval.py"
  setup_run </dev/null
  RUSTEVAL_STOP_GRACE=1 run setup_run --stop
  [[ "$status" == 0 && "$output" == *"stopped the evaluation"* && "$(<"$(exit_file)")" == 137 ]]
  run ! pgrep -f "$CHECKOUT/scripts/evaluate_humaneval.py"
  setup_run </dev/null
  kill -KILL "$(tmux list-panes -t =sigilderg-eval: -F '#{pane_pid}')"
  RUSTEVAL_STOP_GRACE=1 run setup_run --stop
  [[ "$status" == 0 && "$output" == *"stopped the evaluation"* ]]
  run ! pgrep -f "$CHECKOUT/scripts/evaluate_humaneval.py"
}

@test "killed without warning: no exit code is invented" {
  setup_run </dev/null
  kill -KILL "$(tmux list-panes -t =sigilderg-eval: -F '#{pane_pid}')"
  pkill -KILL -f "$CHECKOUT/scripts/evaluate_humaneval.py"
  wait_until dead
  run setup_run --status
  [[ ! -e "$(exit_file)" && "$output" == *"was stopped before it could leave an exit code"* ]]
}

@test "the session closed from outside: the evaluation is asked to stop, and its code is kept" {
  setup_run </dev/null
  tmux kill-session -t =sigilderg-eval
  wait_until test -s "$(exit_file)"
  [[ "$(<"$(exit_file)")" == 130 ]]
}

@test "the token: handed over in a file that is gone, in no argument, script or setting of tmux" {
  HF_TOKEN=hf_SENTINEL setup_run </dev/null
  [[ "$(jq -r .env.HF_TOKEN humaneval_results/call.json)" == hf_SENTINEL ]]
  run ! grep -r SENTINEL "$HOME/.local/state"
  [[ "$(tmux show-environment -g; tmux show-environment -t =sigilderg-eval)" != *SENTINEL* ]]
  [[ "$(tmux capture-pane -p -t '=sigilderg-eval:')$(ps axo args)" != *SENTINEL* ]]
}

@test "--foreground: no session, and the evaluation's own exit code" {
  unset RUSTEVAL_TEST_HOLD
  RUSTEVAL_TEST_EXIT=4 run setup_run --foreground </dev/null
  [[ "$status" == 4 && "$output" == *"ended with exit code 4"* ]]
  run ! tmux has-session -t =sigilderg-eval
  [[ "$(<"$(exit_file)")" == 4 ]]
  RUSTEVAL_TEST_EXIT=3 run setup_run --demo </dev/null
  [[ "$status" == 3 ]]
}

@test "without tmux the evaluation runs here; one that fails is exit code 51" {
  unset RUSTEVAL_TEST_HOLD
  without tmux
  sed -i 's/ tmux)$/)/' "$CHECKOUT/eval_setup_config.sh"
  RUSTEVAL_TEST_EXIT=4 run setup_run </dev/null
  echo "$output"
  [[ "$status" == 51 && "$output" == *"evaluation: start"*"exit code 4"* ]]
}

@test "interrupted in the foreground: the evaluation is interrupted once, and 130 is returned" {
  "$CHECKOUT/eval_setup.sh" --foreground </dev/null >first.log 2>&1 3>&- &
  pid=$!
  wait_until test -s humaneval_results/status.json
  kill -TERM "$pid"
  code=0
  wait "$pid" || code=$?
  cat first.log
  [[ "$code" == 130 && "$(<humaneval_results/stopped-by)" == 15 && "$(<"$(exit_file)")" == 130 ]]
}

@test "--attach: says so where there is no session, and names the command where there is no terminal" {
  run setup_run --attach
  [[ "$status" == 50 && "$output" == *"there is no session"* ]]
  setup_run </dev/null
  run setup_run --attach </dev/null
  [[ "$status" == 0 && "$output" == *"tmux attach-session -t =sigilderg-eval"* ]]
}

@test "by hand: questions come first, their answers count, and Ctrl-C stops the evaluation" {
  unset NONINTERACTIVE
  tmux new-session -d -s person -x 150 -y 50 "env -u TMUX bash -c '$CHECKOUT/eval_setup.sh; echo CODE \$?; exec bash'" 3>&-
  screen() { tmux capture-pane -p -S - -t =person:; }
  shows() { [[ "$(screen)" == *"$1"* ]]; }
  wait_until shows "Run the evaluation in a tmux session"
  [[ "$(screen)" != *"[ 1/"* ]]
  tmux send-keys -t =person: maybe Enter
  wait_until shows "please answer yes or no"
  tmux send-keys -t =person: n Enter
  wait_until shows "evaluation: start"
  [[ "$(screen)" != *"Attach to the session"* ]]
  tmux send-keys -t =person: C-c
  wait_until shows "CODE 130"
  [[ "$(<humaneval_results/stopped-by)" == 2 ]]
}

@test "by hand: attached when that was asked for, and --attach from inside tmux switches" {
  unset NONINTERACTIVE
  # a terminal of its own, outside of any tmux, as script(1) makes one
  tmux -L outer new-session -d -s person -x 150 -y 50 \
    "env -u TMUX bash -c '$CHECKOUT/eval_setup.sh; echo CODE \$?; exec bash'" 3>&-
  screen() { tmux -L outer capture-pane -p -t =person:; }
  shows() { [[ "$(screen)" == *"$1"* ]]; }
  wait_until shows "Run the evaluation in a tmux session"
  tmux -L outer send-keys -t =person: Enter
  wait_until shows "Attach to the session"
  tmux -L outer send-keys -t =person: Enter
  attached() { [[ -n "$(tmux list-clients -t =sigilderg-eval 2>/dev/null)" ]]; }
  wait_until attached
  wait_until shows "evaluation: start"
  tmux -L outer send-keys -t =person: C-b d
  wait_until shows "CODE 0"
  tmux -L outer kill-server
}
