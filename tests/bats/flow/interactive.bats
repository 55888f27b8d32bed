#!/usr/bin/env bats
# A person at a real terminal: a pane of a tmux server of the test's own, driven by keys and read from the screen. The
# evaluation's session is on another server.
load ../helper

setup_file() { make_ready; }

setup() {
  from_ready
  export RUSTEVAL_TEST_MARK="$BATS_TEST_TMPDIR"
  mkdir models models/base models/adapter
  export BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter FLASH_ATTN=off TORCH_PROFILE=cpu SKIP_ENV_CHECK=1
  fake gh 'echo "$*" >>"$STUB_DIR/gh"; [[ "$*" != "auth status" ]]'
  STATE="$HOME/.local/state/rusteval"
}

# No process of a test outlives it: what a session and its evaluation still wrote would be in the next test's way.
teardown() {
  local left
  tmux -L terminal kill-server 2>/dev/null || true
  tmux kill-server 2>/dev/null || true
  while left="$(left_over)" && [[ -n "$left" ]]; do
    xargs kill -KILL <<<"$left" 2>/dev/null || true # some have ended by themselves
  done
}

# left_over: the processes that inherited this test's mark.
left_over() (
  mark="RUSTEVAL_TEST_MARK=$RUSTEVAL_TEST_MARK"
  unset RUSTEVAL_TEST_MARK
  cd /proc && grep -lsxzF "$mark" [0-9]*/environ | cut -d / -f 1
)

# terminal: a person's shell, outside of any tmux as far as it knows.
terminal() {
  tmux -L terminal -f /dev/null new-session -d -s person -x 200 -y 50 "exec env -u TMUX -u TMUX_PANE PS1='$ ' bash --norc --noprofile" 3>&-
  tmux -L terminal set-option -g history-limit 5000
  wait_until shows '$ '
}

# start [WORD...]: type the command, with what comes before and after it.
start() {
  [[ -n "$(tmux -L terminal list-sessions 2>/dev/null)" ]] || terminal
  RUN=$((${RUN:-0} + 1))
  typed "clear; ${BEFORE:-} $CHECKOUT/eval_setup.sh $*; echo CODE-$RUN \$?"
}

keys() { tmux -L terminal send-keys -t =person: "$@"; }

typed() {
  keys -l "$1"
  keys Enter
}

screen() { tmux -L terminal capture-pane -p -J -S - -t =person:; }

shows() { [[ "$(screen)" == *"$1"* ]]; }

# asked TEXT: the question is the last thing on the screen, so that it waits for an answer.
asked() { wait_until waits_with "$1"; }
waits_with() { [[ "$(screen | sed '/^ *$/d' | tail -n 1)" == *"$1"*[\]:]* ]]; }

# ended CODE: the run that was started last ends with it.
ended() {
  wait_until has_ended || { screen; false; }
  [[ "$(screen)" =~ CODE-$RUN\ ([0-9]+) && "${BASH_REMATCH[1]}" == "$1" ]] || { screen; false; }
}
has_ended() { [[ "$(screen)" =~ CODE-$RUN\ [0-9] ]]; }

attached() { [[ -n "$(tmux list-clients -t =sigilderg-eval 2>/dev/null)" ]]; }

eval_code() { cat "$STATE/latest-evaluation/eval.exit" 2>/dev/null; }

pane_pid() { tmux list-panes -t =sigilderg-eval: -F '#{pane_pid}'; }

# slow_driver: the step "driver" is open, and waits for the file go-on.
slow_driver() {
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {/driver_apply() { echo $$ >"$HOME\/at-work"; until [[ -e "$HOME\/go-on" ]]; do sleep 0.1; done; /' \
    "$CHECKOUT/lib/evaluation.sh"
}

complete() {
  touch "$HOME/go-on"
  run env NONINTERACTIVE=1 "$CHECKOUT/eval_setup.sh" --foreground </dev/null
  echo "$output"
  [[ "$status" == 0 && "$(summary .result)" != interrupted && -f humaneval_results/call.json ]]
}

TMUX_QUESTION="Run the evaluation in a tmux session"
ATTACH_QUESTION="Attach to the session once"
GH_QUESTION="Log in to GitHub"

@test "every question is answered before the first change; attached at the end, detached, and the evaluation goes on" {
  export RUSTEVAL_TEST_HOLD=1
  start
  asked "$TMUX_QUESTION"
  typed y
  asked "$ATTACH_QUESTION"
  typed yes
  asked "$GH_QUESTION"
  [[ ! -e "$STATE" ]]
  typed y
  wait_until attached
  grep -qx "auth login" "$STUB_DIR/gh"
  wait_until shows "evaluation: start"
  keys C-b d
  ended 0
  run ! attached
  [[ -z "$(eval_code)" ]]
  touch humaneval_results/go-on
  wait_until eval "[[ \"\$(eval_code)\" == 0 ]]"
}

@test "Enter everywhere takes the defaults: tmux, attached, no login" {
  export RUSTEVAL_TEST_HOLD=1
  start
  asked "$TMUX_QUESTION"
  keys Enter
  asked "$ATTACH_QUESTION"
  keys Enter
  asked "$GH_QUESTION"
  keys Enter
  wait_until attached
  run ! grep -q login "$STUB_DIR/gh"
  touch humaneval_results/go-on
  wait_until eval "[[ \"\$(eval_code)\" == 0 ]]"
}

@test "nonsense three times and the end of input are the defaults" {
  export RUSTEVAL_TEST_HOLD=1
  start
  asked "$TMUX_QUESTION"
  typed maybe
  wait_until shows "please answer yes or no"
  typed perhaps
  typed "who knows"
  asked "$ATTACH_QUESTION"
  keys C-d
  asked "$GH_QUESTION"
  keys C-d
  wait_until attached
  run ! grep -q login "$STUB_DIR/gh"
}

@test "no tmux: nothing is asked about attaching, and the evaluation runs in the terminal" {
  start
  asked "$TMUX_QUESTION"
  typed n
  asked "$GH_QUESTION"
  typed n
  ended 0
  [[ "$(screen)" == *"evaluation: end"* && "$(screen)" != *"$ATTACH_QUESTION"* ]]
  run ! tmux has-session -t =sigilderg-eval
}

@test "an existing session: not replaced on no and on Enter, replaced on yes, after its evaluation was asked to stop" {
  export RUSTEVAL_TEST_HOLD=1
  NONINTERACTIVE=1 setup_run </dev/null
  before="$(pane_pid)"
  for answer in n ""; do
    start
    asked "is there already. Replace it?"
    typed "$answer"
    ended 0
    shows "was left as it is"
    [[ "$(pane_pid)" == "$before" ]]
  done
  start
  asked "is there already. Replace it?"
  typed y
  asked "$TMUX_QUESTION"
  keys Enter
  asked "$ATTACH_QUESTION"
  typed n
  asked "$GH_QUESTION"
  keys Enter
  ended 0
  [[ "$(pane_pid)" != "$before" ]]
  [[ -s humaneval_results/stopped-by ]] # by a signal that let it save what it had
}

@test "Ctrl-C at a question ends with 130 and has changed nothing" {
  start
  asked "$TMUX_QUESTION"
  before="$(tree_state "$HOME")"
  keys C-c
  ended 130
  [[ "$(tree_state "$HOME")" == "$before" && ! -e "$STATE" ]]
}

@test "Ctrl-C during a step ends with 130 and says how to go on; the same command does" {
  slow_driver
  start --foreground
  asked "$GH_QUESTION"
  keys Enter
  wait_until test -s "$HOME/at-work"
  keys C-c
  ended 130
  shows "interrupted in step driver; run the same command"
  run ! kill -0 "$(<"$HOME/at-work")"
  [[ "$(summary .result)" == interrupted ]]
  complete
}

@test "the terminal closed during a step: the step is ended, the summary says interrupted, and a rerun converges" {
  slow_driver
  start --foreground
  asked "$GH_QUESTION"
  keys Enter
  wait_until test -s "$HOME/at-work"
  tmux -L terminal kill-server
  wait_until flock -n "$STATE/lock" true
  run ! kill -0 "$(<"$HOME/at-work")"
  [[ "$(summary .result)" == interrupted ]]
  complete
}

@test "no sandbox: only the typed word YES; anything else is exit code 40 and changes nothing" {
  export SANDBOX_MODE=none
  for answer in yes ""; do
    start --foreground
    asked "Type YES to allow that"
    typed "$answer"
    ended 40
    shows "was not confirmed"
  done
  [[ ! -e "$STATE" ]]
  start --foreground
  asked "Type YES to allow that"
  typed YES
  asked "$GH_QUESTION"
  keys Enter
  ended 0
  [[ "$(jq -r '.argv["--sandbox-mode"]' humaneval_results/call.json)" == none ]]
  [[ "$(summary '.warnings | join(" ")')" == *"without isolation"* ]]
}

# hub: a model hub on this machine, where every model needs the token.
hub() {
  python3 -u - >port 3>&- <<'PYTHON' &
import http.server


class Hub(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(200 if self.headers.get("Authorization") == "Bearer hf_SENTINEL" else 401)
        self.end_headers()

    do_GET = do_HEAD

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
print(server.server_port)
server.serve_forever()
PYTHON
  wait_until test -s port
  HF_ENDPOINT="http://127.0.0.1:$(<port)"
  export HF_ENDPOINT
}

# paste TEXT: into the terminal, without being anybody's argument.
paste() {
  tmux -L terminal load-buffer - <<<"$1"
  tmux -L terminal paste-buffer -d -t =person:
}

@test "a token is asked for without an echo, used, kept where that is wanted, and seen nowhere" {
  hub
  export BASE_MODEL=gated/base
  local token="$HOME/.cache/huggingface/token"
  # what every process's arguments were while it went on
  (until [[ -e seen ]]; do
    ps axo args
    sleep 0.05
  done >args) 3>&- &
  start --foreground
  asked "Hugging Face token"
  paste hf_SENTINEL
  asked "Keep it for later, in $token"
  [[ ! -e "$token" ]]
  typed y
  asked "$GH_QUESTION"
  [[ ! -e "$token" ]]
  keys Enter
  ended 0
  touch seen
  [[ "$(screen)" != *SENTINEL* ]]
  run ! grep -r SENTINEL "$STATE" args
  [[ "$(<"$token") $(stat -c %a "$token")" == "hf_SENTINEL 600" ]]
  grep -qx "file	$token" "$STATE/made"
  [[ "$(jq -r .env.HF_TOKEN humaneval_results/call.json)" == hf_SENTINEL ]]
  # the next run finds it there, and asks no more
  start --foreground
  asked "$GH_QUESTION"
}

@test "a token that is not given, or does not fit, is the finding that it would be, and nothing is kept" {
  hub
  export BASE_MODEL=gated/base
  start --foreground
  asked "Hugging Face token"
  keys C-c
  ended 130
  typed 'stty -a | grep -c -- " -echo "'
  wait_until eval "screen | grep -qx 0"
  start --foreground
  asked "Hugging Face token"
  keys Enter
  ended 10
  start --foreground
  asked "Hugging Face token"
  paste hf_wrong
  asked "Keep it for later"
  typed y
  ended 10
  [[ ! -e "$HOME/.cache/huggingface/token" && ! -e "$STATE" ]]
}

@test "NONINTERACTIVE never asks and never waits: closed input, a silent pipe, a terminal" {
  mkfifo silent
  exec 7<>silent
  local way
  for way in "true <&-" "yes <&7"; do
    run timeout 100 bash -c "NONINTERACTIVE=${way%% *} '$CHECKOUT/eval_setup.sh' ${way#* }"
    echo "$output"
    [[ "$status" == 0 && "$output" == *"assumed: use_tmux=yes"* && "$output" != *"? ["* ]]
  done
  exec 7>&-
  BEFORE=NONINTERACTIVE=on start
  ended 0
  [[ "$(screen)" == *"assumed: replace_session=yes"*"assumed: use_tmux=yes"* && "$(screen)" != *"? ["* ]]
  [[ "$(summary '.assumed_answers | join(" ")')" == *"replace_session=yes"*"use_tmux=yes"* ]]
}
