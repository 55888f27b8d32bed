#!/usr/bin/env bats
# What holds for every way to call the command, whatever it does: it leaves nothing behind that it should not, waits for
# nobody, gives no secret away, and does not depend on where and how it is called.
load ../helper

setup_file() { make_ready; }
setup() { from_ready; }

SENTINELS=(HF_TOKEN GH_TOKEN GITHUB_TOKEN OPENAI_API_KEY ANTHROPIC_API_KEY AWS_SECRET_ACCESS_KEY MY_PASSWORD)
LOOKS=(--plan --check --status --logs --stop --help --version --options-markdown "--uninstall --plan" "--plan --json" "--status --json")

# bounded COMMAND...: fails where it takes longer than two minutes: it waits for something then.
bounded() { timeout -k 5 120 "$@"; }

# read_only COMMAND...: every file system read-only, for root as well.
read_only() { bounded /usr/bin/bwrap --ro-bind / / --dev /dev --proc /proc "$@"; }

@test "a second run changes nothing but its own record, and asks for no package" {
  setup_run --demo </dev/null
  before="$(tree_state "$HOME" | grep -v ' *\.local/state')"
  calls="$(cat "$HOME/uv.log" 2>/dev/null || true)"
  fake uv 'echo "unplanned: uv $*" >&2; exit 97'
  run setup_run --demo </dev/null
  [[ "$status" == 0 ]]
  [[ "$(summary '[.steps[].status] | unique | join(",")')" == ok ]]
  [[ "$(tree_state "$HOME" | grep -v ' *\.local/state')" == "$before" ]]
  [[ "$(cat "$HOME/uv.log" 2>/dev/null || true)" == "$calls" ]]
}

@test "looking writes nothing: no file is opened for writing, made, renamed, removed or changed, outside of /dev and pipes" {
  local look out="$BATS_TEST_TMPDIR/output"
  setup_run --demo </dev/null >/dev/null
  tmux has-session 2>/dev/null || true # tmux makes the folder of its socket whenever it is asked something
  before="$(tree_state "$TEST_DIR")"
  for look in "${LOOKS[@]}"; do
    # shellcheck disable=SC2086  # words
    bounded strace -f -qq -o "$BATS_TEST_TMPDIR/trace" -e trace=%file,mkdir,mkdirat,ftruncate \
      "$CHECKOUT/eval_setup.sh" --demo $look </dev/null >"$out" 2>&1 || { echo "$look: $?"; cat "$out"; false; }
    grep -vE '\) = -1 |resumed|unfinished' "$BATS_TEST_TMPDIR/trace" |
      grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)|(mkdir|rename|unlink|rmdir|symlink|link|chmod|chown|utime|truncate|mknod)[a-z0-9]*\(' |
      # flock opens its file to read it
      grep -vE 'readlink|"/dev/|O_RDONLY\|O_CREAT\|O_NOCTTY|/tmux-[0-9]+"|"/proc/self/|AT_FDCWD, "/tmp/sh-thd' >"$out" || true
    [[ ! -s "$out" ]] || { echo "$look:"; head "$out"; false; }
  done
  [[ "$(tree_state "$TEST_DIR")" == "$before" ]]
}

@test "looking works where nothing can be written" {
  local look code
  setup_run --demo </dev/null >/dev/null
  for look in "${LOOKS[@]}" --doctor; do
    code=0
    # shellcheck disable=SC2086  # words
    read_only "$CHECKOUT/eval_setup.sh" --demo $look </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 || code=$?
    echo "$look: $code"
    cat "$BATS_TEST_TMPDIR/output"
    case "$look:$code" in
      --doctor:20) ;;                                                                         # the stand-ins have no transformers
      --plan*:10 | --check:10) grep -q "nothing can be written" "$BATS_TEST_TMPDIR/output" ;; # as a run would find
      *) [[ "$code" == 0 ]] ;;
    esac
    run ! grep -iE 'read-only|permission denied|unbound|line [0-9]+:' "$BATS_TEST_TMPDIR/output"
  done
}

@test "nobody is asked and nothing blocks, whatever standard input is; what was assumed is in the summary" {
  mkdir -p models/base models/adapter
  export NONINTERACTIVE=1 FLASH_ATTN=off BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter ENGINE=transformers
  local input
  setup_run --foreground </dev/null >/dev/null # what is open for this kind of run
  for input in null closed pipe; do
    case "$input" in
      null) bounded "$CHECKOUT/eval_setup.sh" </dev/null >output 2>&1 3>&- ;;
      closed) bounded "$CHECKOUT/eval_setup.sh" <&- >output 2>&1 3>&- ;;
      *) bounded "$CHECKOUT/eval_setup.sh" < <(exec sleep 60 3>&-) >output 2>&1 3>&- ;;
    esac || { echo "$input: $?"; cat output; false; }
    cat output
    [[ "$(summary '.assumed_answers | join(" ")')" == *use_tmux=yes* ]]
    [[ "$input" == null || "$(summary '.assumed_answers | join(" ")')" == *replace_session=yes* ]]
  done
  tmux kill-server
}

@test "no secret of the environment is in any file, in any process's arguments or in tmux" {
  mkdir -p models/base models/adapter
  local name
  for name in "${SENTINELS[@]}"; do export "$name=SENTINEL_$name"; done
  export NONINTERACTIVE=1 FLASH_ATTN=off BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter ENGINE=transformers
  rm -rf "$VENV/bin/rusteval" "$VENV/lib/python3"*/site-packages/sigil_pipeline* # something to do
  (until [[ -e "$BATS_TEST_TMPDIR/enough" ]]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' || true; done) \
    >"$BATS_TEST_TMPDIR/arguments" 3>&- &
  sampler=$!
  RUSTEVAL_TEST_HOLD=1 setup_run </dev/null >"$BATS_TEST_TMPDIR/output" 2>&1 3>&-
  tmux show-environment -g >"$BATS_TEST_TMPDIR/tmux"
  tmux show-environment -t =sigilderg-eval >>"$BATS_TEST_TMPDIR/tmux"
  tmux capture-pane -p -t =sigilderg-eval: >>"$BATS_TEST_TMPDIR/tmux"
  tr '\0' '\n' <"/proc/$(tmux display-message -p '#{pid}')/environ" >>"$BATS_TEST_TMPDIR/tmux"
  touch humaneval_results/go-on "$BATS_TEST_TMPDIR/enough"
  wait "$sampler"
  wait_until test -f "$HOME/.local/state/rusteval/latest/eval.exit"
  tmux kill-server
  # the token, and nothing else, has reached the evaluation itself, whose stand-in writes down what it got
  [[ "$(jq -r '.env | to_entries[] | select(.value | test("SENTINEL")).key' humaneval_results/call.json)" == HF_TOKEN ]]
  rm humaneval_results/call.json
  setup_run --status --json </dev/null >"$BATS_TEST_TMPDIR/status" 2>&1
  grep -q eval_setup "$BATS_TEST_TMPDIR/arguments"
  run ! grep -rl SENTINEL "$TEST_DIR" "$BATS_TEST_TMPDIR"
}

@test "two at once: the second ends with 75 and names the first; where the session goes on, the lock is free" {
  mkdir -p models/base models/adapter
  export NONINTERACTIVE=1 FLASH_ATTN=off BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter ENGINE=transformers
  mkfifo hold
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {/driver_apply() { cat "$INVOCATION_DIR\/hold"; /' "$CHECKOUT/lib/evaluation.sh"
  RUSTEVAL_TEST_HOLD=1 "$CHECKOUT/eval_setup.sh" </dev/null >first.log 2>&1 3>&- &
  first=$!
  wait_until grep -q "Evaluation driver: at work" first.log
  run setup_run --demo </dev/null
  echo "$output"
  [[ "$status" == 75 && "$output" =~ another\ run\ is\ at\ work\ \(process\ ([0-9]+),\ step\ driver\ since ]]
  grep -q step_main.sh "/proc/${BASH_REMATCH[1]}/cmdline"
  run setup_run --status </dev/null
  echo "$output"
  [[ "$output" =~ at\ work:\ .*step\ driver\ since && "$output" == *"  ok    PyTorch: "*"  open  Evaluation driver: "* ]]
  echo >hold
  wait "$first"
  tmux has-session -t =sigilderg-eval
  flock -n "$HOME/.local/state/rusteval/lock" true
  touch humaneval_results/go-on
  tmux kill-server
}

@test "where and how it is called makes no difference: hostile folders, a link, a dumb terminal, LANG=C, umask 077" {
  local odd="$TEST_DIR/a \"check\" & out's \$(touch CANARY) é"
  mv "$CHECKOUT" "$odd"
  mkdir -p "$TEST_DIR/else where"
  ln -s "$odd/eval_setup.sh" "$TEST_DIR/else where/evaluate it"
  cd "$TEST_DIR/else where"
  umask 077
  unset TERM
  LANG=C LC_ALL=C NO_COLOR=1 OUTPUT_DIR="it's \$(touch CANARY) é" DEMO_DIR='models & more' VENV_DIR="v e'n & v é" \
    run bounded "./evaluate it" --demo </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" != *$'\e'* ]]
  [[ "$(jq -r '.argv["--output-dir"]' "it's \$(touch CANARY) é/call.json")" == "$PWD/it's \$(touch CANARY) é" ]]
  [[ "$(jq -r '.argv["--base-model"]' "it's \$(touch CANARY) é/call.json")" == "$PWD/models & more/base" ]]
  [[ -x "v e'n & v é/bin/rusteval" && -z "$(find "$TEST_DIR" / -maxdepth 3 -name CANARY 2>/dev/null)" ]]
  # a summary that a program can read, with the values as they are
  [[ "$(summary .config.VENV_DIR)" == "$PWD/v e'n & v é" ]]
}

@test "without its repository, from a pipe or as a lone copy, it says what it needs" {
  cd "$TEST_DIR/cwd"
  cp "$CHECKOUT/eval_setup.sh" alone.sh
  for way in 'bash <"$CHECKOUT/eval_setup.sh"' 'bash <(cat "$CHECKOUT/eval_setup.sh")' 'bash alone.sh --demo'; do
    run eval "$way"
    [[ "$status" == 2 && "${#lines[@]}" == 1 && "$output" == "error: this command needs the whole repository"* ]] || { echo "$way: $output"; false; }
  done
}

@test "called from a folder that is gone, it says so" {
  mkdir gone && cd gone && rmdir "$PWD"
  run bounded "$CHECKOUT/eval_setup.sh" --demo --check </dev/null
  echo "$output"
  [[ "$status" == 2 && "$output" == *"error: the present folder is gone"* && "$output" != *"unbound"* ]]
}
