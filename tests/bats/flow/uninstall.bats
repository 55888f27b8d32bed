#!/usr/bin/env bats
# What --uninstall removes, what it leaves, and what it refuses.
load ../helper

setup_file() { make_ready; }
setup() { from_ready; }

STATE=.local/state/rusteval

# record KIND WHAT: as if a run had made it.
record() { printf '%s\t%s\n' "$1" "$2" >>"$HOME/$STATE/made"; }

# a_record: a state folder whose record has nothing but itself.
a_record() {
  mkdir -p "$HOME/$STATE/runs"
  record folder "$HOME/$STATE"
}

@test "install, uninstall, reinstall: what a run made is gone, what is the user's stays" {
  from_nothing
  echo mine >"$HOME/.profile"
  mkdir -p "$HOME/.cache/pip" "$HOME/.cache/uv"
  tree_state "$HOME" | cut -d' ' -f1,2 >before
  setup_run --demo </dev/null >first.log 2>&1 || cat first.log
  [[ -d "$VENV" && -d "$HOME/.cache/rusteval/demo" ]]
  mkdir -p "$HOME/.cache/rusteval/verdicts"
  run setup_run --uninstall --plan </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"remove  $VENV"*"remove  $HOME/$STATE"*"stays   $PWD/demo_results (results)"* ]]
  [[ -d "$VENV" && -d "$HOME/$STATE" ]]
  NONINTERACTIVE=1 run setup_run --uninstall </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *removed ]]
  [[ -f demo_results/call.json && -d "$HOME/.cache/rusteval/verdicts" ]]
  rm -r "$HOME/.cache/rusteval"
  rm -f "$HOME/uv.log" # of the stand-in of uv
  tree_state "$HOME" | cut -d' ' -f1,2 | grep -v '^\.cache/\(pip\|uv\)/' | diff before -
  run setup_run --demo </dev/null
  [[ "$status" == 0 && "$(summary '[.steps[] | select(.status == "done").id] | index("venv") != null')" == true ]]
  NONINTERACTIVE=1 run setup_run --uninstall --json </dev/null
  [[ "$status" == 0 && ! -e "$HOME/$STATE" && ! -e "$VENV" ]]
  run setup_run --uninstall
  [[ "$status" == 0 && "$output" == *"nothing to remove"* ]]
}

@test "system packages are listed with the command that removes them, and not removed" {
  a_record
  record package tmux
  record package gh
  NONINTERACTIVE=1 run setup_run --uninstall </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"sudo apt-get remove gh tmux"* && "$output" != *unplanned* ]]
}

@test "nothing is removed that is no folder of the harness's own, whatever the record says" {
  a_record
  mkdir -p "$TEST_DIR/target" mine/venv relative "$HOME/sub"
  touch "$TEST_DIR/target/kept" mine/venv/pyvenv.cfg
  ln -s "$TEST_DIR/target" "$HOME/link"
  for what in / "$HOME" "$HOME/" "${HOME%/*}" /usr relative "$HOME/sub/../../home" "$HOME/link" "$PWD/mine/venv" ""; do record folder "$what"; done
  fake rm '[[ " $* " == *" / "* || " $* " == *" /usr "* ]] && exit 1; exec /bin/rm "$@"' # for the case that the test is right
  run setup_run --uninstall --plan --json
  echo "$output"
  NONINTERACTIVE=1 setup_run --uninstall --json </dev/null 2>messages >object.json
  cat messages
  [[ "$(jq -r '.removed | join(" ")' object.json)" == "$HOME/$STATE" ]]
  [[ "$(jq -r '.stays | join(" ")' object.json)" == *"$HOME/link (a symbolic link)"*"$HOME (nothing that this harness would make)"*"/ (nothing"* ]]
  [[ -d "$HOME" && -f "$TEST_DIR/target/kept" && -L "$HOME/link" && -f mine/venv/pyvenv.cfg && -d relative && ! -e "$HOME/$STATE" ]]
}

@test "a folder with results in it stays" {
  a_record
  mkdir -p "$HOME/$STATE/runs/1" made/results
  printf '%s' "$PWD/made/results" >"$HOME/$STATE/runs/1/output_dir"
  record folder "$PWD/made"
  NONINTERACTIVE=1 run setup_run --uninstall </dev/null
  [[ "$status" == 0 && "$output" == *"$PWD/made (it holds results)"* && -d made/results && ! -e "$HOME/$STATE" ]]
}

@test "without a terminal and without NONINTERACTIVE nothing is removed, and it is said what to set" {
  a_record
  run setup_run --uninstall </dev/null
  [[ "$status" == 2 && "$output" == *"nothing was removed"*NONINTERACTIVE=1* && -d "$HOME/$STATE" ]]
}

@test "by hand it asks first, and no is what Enter means" {
  a_record
  mkdir made
  record folder "$PWD/made"
  tmux new-session -d -s person -x 150 -y 50 "env -u TMUX bash -c '$CHECKOUT/eval_setup.sh --uninstall; echo CODE \$?; exec bash'" 3>&-
  shows() { [[ "$(tmux capture-pane -p -t =person:)" == *"$1"* ]]; }
  wait_until shows "Remove this?"
  shows "remove  $PWD/made"
  tmux send-keys -t =person: Enter
  wait_until shows "CODE 0"
  shows "nothing was removed"
  [[ -d made ]]
  tmux send-keys -t =person: "clear; $CHECKOUT/eval_setup.sh --uninstall; echo AGAIN \$?" Enter
  again() { [[ "$(tmux capture-pane -p -t =person:)" != *"CODE 0"*"Remove this?"* ]] && shows "Remove this?"; }
  wait_until again
  tmux send-keys -t =person: y Enter
  wait_until shows "AGAIN 0"
  tmux kill-server
  [[ ! -e made ]]
}

@test "while a set-up or an evaluation is at work nothing is removed: exit code 75" {
  export NONINTERACTIVE=1
  a_record
  exec 7>"$HOME/$STATE/lock"
  flock -n 7
  run setup_run --uninstall </dev/null 7>&-
  [[ "$status" == 75 && "$output" == *"another run is at work"* && -d "$HOME/$STATE" ]]
  exec 7>&-
  mkdir "$HOME/$STATE/runs/1"
  printf 'sleep 600; true' >"$HOME/$STATE/runs/1/launch.sh"
  bash "$HOME/$STATE/runs/1/launch.sh" 3>&- &
  echo "$!" >"$HOME/$STATE/runs/1/eval.pid"
  run setup_run --uninstall </dev/null
  pkill -P "$!" || true
  [[ "$status" == 75 && "$output" == *"an evaluation is at work"*--stop* && -d "$HOME/$STATE" ]]
}
