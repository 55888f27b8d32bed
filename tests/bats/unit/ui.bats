#!/usr/bin/env bats
# The questions by themselves; on a real terminal: flow/interactive.bats.
load ../helper

setup() {
  isolate
  machine jammy 570-h100
  fake gh 'echo "gh $*" >>"$STUB_DIR/gh"; [[ "$*" == "auth status" && -e "$STUB_DIR/login" ]]'
  fake tmux '[[ "$1" == has-session && -e "$STUB_DIR/session" ]]'
  load_harness
  FOREGROUND=0 SETUP_COMMAND=./eval_setup.sh
}

# person: somebody who can be asked, and answers with the lines of standard input.
person() { INTERACTIVE=1 NONINTERACTIVE=0; }

# machine_alone [NONINTERACTIVE]: nobody can be asked.
machine_alone() {
  NONINTERACTIVE="${1:-1}"
  ui_init
}

typed() { printf '%s\n' "$@" >typed; }

@test "yes and no in every spelling; Enter, the end of input, and nonsense three times are the default" {
  person
  local word default
  for default in yes no; do
    for word in y Y yes YES; do ask_yes id "Well?" "$default" <<<"$word"; done
    for word in n N no No; do run ! ask_yes id "Well?" "$default" <<<"$word"; done
  done
  for word in "" $'perhaps\nmaybe\nwho knows'; do
    ask_yes id "Well?" yes <<<"$word"
    run ! ask_yes id "Well?" no <<<"$word"
  done
  ask_yes id "Well?" yes </dev/null
  run ! ask_yes id "Well?" no </dev/null
  ask_yes id "Well?" no <<<$'perhaps\ny'
  # three times, and not a fourth
  typed perhaps maybe "who knows" left
  run ask_yes id "Well?" yes < <(cat typed)
  [[ "$status" == 0 && "$(grep -c "please answer yes or no" <<<"$output")" == 2 ]]
  { ask_yes id "Well?" yes && read -r rest; } <typed
  [[ "$rest" == left && "${#ASSUMED_ANSWERS[@]}" == 0 ]]
}

@test "where nobody can be asked nothing is read, and what was assumed is said and kept" {
  machine_alone
  typed left
  { ask_yes fruit "Well?" yes && read -r rest; } <typed
  [[ "$rest" == left && "${ASSUMED_ANSWERS[*]}" == fruit=yes ]]
  run ask_yes fruit "Well?" no <typed
  [[ "$status" == 1 && "$output" == "assumed: fruit=no" ]]
  run ! ask_word "Well?" YES <<<YES
  { ask_secret "Well?" && read -r rest; } <typed
  [[ -z "$ANSWER" && "$rest" == left ]]
}

@test "a word counts only if it is exactly that word" {
  person
  ask_word "Well?" YES <<<YES
  local other
  for other in yes Y YESS "YES!" ""; do run ! ask_word "Well?" YES <<<"$other"; done
  run ! ask_word "Well?" YES </dev/null
}

@test "a default run asks for tmux; attached only where that is wanted; a demo and a foreground run ask nothing" {
  person
  touch "$STUB_DIR/login"
  ui_questions < <(printf '\n\n')
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH" == 101 ]]
  ui_questions < <(printf 'y\nn\n')
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH" == 100 ]]
  typed n left
  { ui_questions && read -r rest; } <typed
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH$rest" == 000left ]]
  typed left
  { FOREGROUND=1 && ui_questions && read -r rest; } <typed
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH$rest" == 000left ]]
  rm "$STUB_DIR/login"
  { FOREGROUND=0 DEMO=1 && ui_questions && read -r rest; } <typed
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH$rest" == 000left ]]
}

@test "an existing session: NONINTERACTIVE replaces it, a person is asked, and without a terminal it stays" {
  touch "$STUB_DIR/session"
  mkdir -p "$TMUX_TMPDIR/tmux-$EUID"
  (cd "$TMUX_TMPDIR/tmux-$EUID" && python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("default")')
  machine_alone
  ui_questions
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH" == 110 && "${ASSUMED_ANSWERS[*]}" == *replace_session=yes*use_tmux=yes* ]]
  machine_alone 0
  run ui_questions
  [[ "$status" == 0 && "$output" == *"There is no terminal"*"was left as it is"*--attach* ]]
  person
  run ui_questions <<<n
  [[ "$status" == 0 && "$output" == *"was left as it is"* ]]
  typed y y n n
  ui_questions <typed
  [[ "$USE_TMUX$REPLACE_SESSION$ATTACH" == 110 ]]
}

@test "that there is no terminal is said once, and not where NONINTERACTIVE says it" {
  machine_alone 0
  run ui_questions
  [[ "$status" == 0 && "$(grep -c "no terminal" <<<"$output")" == 1 ]]
  machine_alone
  run ui_questions
  [[ "$status" == 0 && "$output" != *"no terminal"* ]]
}

@test "no sandbox: confirmed by ALLOW_UNSANDBOXED or the typed word, else exit code 40" {
  SANDBOX_MODE=none FOREGROUND=1
  touch "$STUB_DIR/login"
  machine_alone
  run ui_questions
  [[ "$status" == 40 && "$output" == *"ALLOW_UNSANDBOXED=YES"*"nothing was changed"* ]]
  ALLOW_UNSANDBOXED=YES
  ui_questions
  [[ "${ASSUMED_ANSWERS[*]}" == unsandboxed=YES ]]
  ALLOW_UNSANDBOXED=NO
  person
  run ui_questions <<<yes
  [[ "$status" == 40 ]]
  ui_questions <<<YES
  # what was confirmed reaches the steps
  [[ "$(bash -c 'echo "$ALLOW_UNSANDBOXED"')" == YES && "$(options_remember)" == *ALLOW_UNSANDBOXED=YES* ]]
}

@test "GitHub: offered where gh is there and not logged in, refused by default, and a failure of it is a warning" {
  FOREGROUND=1
  person
  ui_questions <<<""
  run ! grep -q login "$STUB_DIR/gh"
  run ui_questions <<<y
  [[ "$status" == 0 && "$output" == *"did not succeed"* ]]
  grep -qx "gh auth login" "$STUB_DIR/gh"
  rm "$STUB_DIR/gh"
  touch "$STUB_DIR/login"
  ui_questions </dev/null
  run ! grep -q login "$STUB_DIR/gh"
  without gh
  typed left
  { ui_questions && read -r rest; } <typed
  [[ "$rest" == left ]]
}

@test "nobody to ask: one line says how to log in, for what is not logged in, and a demo says nothing" {
  machine_alone
  run ui_questions
  [[ "$(grep -c "auth login" <<<"$output")" == 1 && "$output" == *"hf auth login (Hugging Face), gh auth login (GitHub)"* ]]
  run ! grep -q login "$STUB_DIR/gh"
  HF_TOKEN=hf_some
  run ui_questions
  [[ "$output" == *"gh auth login"* && "$output" != *"hf auth login"* ]]
  GH_TOKEN=some run ui_questions
  [[ "$output" != *"auth login"* ]]
  HF_TOKEN=""
  DEMO=1 run ui_questions
  [[ "$output" != *"auth login"* ]]
  ONLY=rust run ui_questions
  [[ "$output" != *"auth login"* ]]
}

@test "the hub's token: none, an impossible one, one for this run, one to keep" {
  person
  local file="$HOME/.cache/huggingface/token"
  FOREGROUND=1
  touch "$STUB_DIR/login"
  run ! ui_hub_token <<<""
  run ui_hub_token <<<'hf_"x'
  [[ "$status" == 1 && "$output" == *"not used"* && "$output" != *hf_* ]]
  typed hf_SENTINEL ""
  ui_hub_token <typed
  [[ "$(bash -c 'echo "$HF_TOKEN"')" == hf_SENTINEL ]]
  ui_questions </dev/null
  [[ ! -e "$file" && ! -e "$STATE_DIR" ]]
  typed hf_SENTINEL y
  ui_hub_token <typed
  [[ ! -e "$file" ]] # not before everything was asked
  umask 022
  ui_questions </dev/null
  [[ "$(<"$file") $(stat -c %a "$file")" == "hf_SENTINEL 600" ]]
  grep -qx "file"$'\t'"$file" "$STATE_DIR/made"
  # a file that was there is not ours
  rm "$STATE_DIR/made"
  chmod 644 "$file"
  ui_keep_token
  [[ "$(stat -c %a "$file")" == 600 && "$(<"$STATE_DIR/made")" != *huggingface* ]]
  typed hf_SENTINEL y
  HF_HOME="$HOME/elsewhere" ui_hub_token <typed
  ui_questions </dev/null
  [[ "$(<"$HOME/elsewhere/token")" == hf_SENTINEL ]]
}
