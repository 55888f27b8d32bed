#!/usr/bin/env bats
# Every step of the table goes through the same: it fails, it outlives a killed run, it is killed with everything
# around it; each time the same command goes on from there, to where an uninterrupted run would have come.
load ../helper

setup_file() { make_ready; }

setup() {
  from_ready
  ARGUMENTS=(--demo)
  machine_with_packages
  hooks
}

# No process of a run outlives its test.
teardown() {
  local file
  for file in "$TEST_DIR"/runner "$TEST_DIR"/at-work; do
    [[ ! -s "$file" ]] || kill -KILL -- "-$(<"$file")" 2>/dev/null || true
  done
}

# machine_with_packages: a package manager that installs, and a network where every server answers and has nothing.
machine_with_packages() {
  fake curl 'if [[ " $* " == *" --head "* ]]; then printf "200 000"; else echo "curl: (22) returned error: 404" >&2; exit 22; fi'
  fake sudo '[[ "$1" != -n ]] || shift; exec "$@"'
  fake apt-get '
cd "'"$TEST_DIR"'"
while (($#)) && [[ "$1" != install ]]; do shift; done
for name in "${@:2}"; do
  [[ "$name" != -* ]] || continue
  echo "$name installed" >>stubs/packages
  case "$name" in
    bubblewrap) cp bin/firejail.kept bin/bwrap ;;
    firejail) cp bin/firejail.kept bin/firejail; rm -f checkout/doctor.exit ;;
    gh) cp bin/firejail.kept bin/gh ;;
  esac
done'
  cp "$TEST_DIR/bin/firejail" "$TEST_DIR/bin/firejail.kept"
}

# hooks: the step that the file hook names fails, or waits before or after its work, when the runner starts it.
hooks() {
  fake setsid '
read -r step mode 2>/dev/null <"'"$TEST_DIR"'/hook" || step=none
[[ "$*" == *"step_main.sh apply $step" ]] || exec /usr/bin/setsid "$@"
exec /usr/bin/setsid "'"$TEST_DIR"'/bin/hooked" "$mode" "$@"'
  fake hooked '
folder="'"$TEST_DIR"'" venv="'"$VENV"'" mode="$1"
shift
wait_here() { echo "${1:-$$}" >"$folder/at-work"; until [[ -e "$folder/go-on" ]]; do sleep 0.1; done; }
case "$mode" in
  fail) echo "No space left on device" >&2; exit 1 ;;
  before) wait_here; exec "$@" ;;
  after) "$@"; wait_here ;;
  half) # of what it has written is there
    touch "$folder/started"
    "$@"
    find "$venv/lib" -newer "$folder/started" -type f ! -name RECORD | sort | awk "NR % 2" | tr "\n" "\0" | xargs -0r rm -f
    wait_here
    ;;
  venv) # the virtual environment is there, and nothing in it yet
    mkdir -p "$folder/first"
    printf "#!/bin/bash\n\"%s\" \"\$@\" && [[ \" \$* \" != *\" -m venv \"* ]] && exit\necho $$ >\"%s/at-work\"\nsleep 600\n" \
      "$(command -v "python${PYTHON_VERSION%.*}")" "$folder" >"$folder/first/python${PYTHON_VERSION%.*}"
    chmod +x "$folder/first/"*
    PATH="$folder/first:$PATH" exec "$@"
    ;;
esac'
}

# graphics_card: the full set-up with local models, as --demo has neither vLLM nor FlashAttention nor gh.
graphics_card() {
  ARGUMENTS=()
  sed -i 's/VLLM_PYTHON_SERIES=\S*/VLLM_PYTHON_SERIES=3/' "$CHECKOUT/eval_setup_config.sh"
  sed -i 's/sys.version_info\[:2\] != (3, 12)/False/' "$CHECKOUT/lib/pytorch.sh"
  mkdir -p models/base models/adapter
  export ENGINE=vllm BASE_MODEL="$PWD/models/base" CHECKPOINT_PATH="$PWD/models/adapter"
}

# undo_STEP: the step is open again.
undo_system_deps() { all_packages git xz-utils; }
undo_python() {
  local version="$PYENV_ROOT/versions/$PYTHON_VERSION" builder="$PYENV_ROOT/plugins/python-build"
  rm -rf "$VENV"
  rm -rf "$version"
  mkdir -p "$builder/share/python-build" "$builder/bin"
  touch "$builder/share/python-build/$PYTHON_VERSION"
  [[ "$PATH" == */system ]] || without python3 python3.12 python3.13
  printf '#!/bin/bash\nmkdir -p "$2/bin" && ln -sf "%s" "$2/bin/python" && cp "$0" "$2/bin/pip3"\n' \
    "$(readlink -f "$TEST_DIR/python/python3")" >"$builder/bin/python-build"
  chmod +x "$builder/bin/python-build"
}
undo_venv() { rm -rf "$VENV"; }
undo_torch() { rm -rf "$VENV/lib/python3"*/site-packages/torch-*; }
undo_flash_attn() { rm -f "$VENV/flash_attn.tried"; }
undo_packages() { rm -rf "$VENV/lib/python3"*/site-packages/pinned/data.txt; }
undo_vllm() { rm -rf "$VENV/lib/python3"*/site-packages/vllm*; }
undo_ecosystem() { rm -rf "$VENV/lib/python3"*/site-packages/sigil_pipeline*; }
undo_rust() {
  rm -f "$TEST_DIR/toolchain"
  fake rustc '[[ -n "$RUSTUP_TOOLCHAIN" ]] || { echo "rustc 1.60.0 (x)"; exit; }; [[ -e "'"$TEST_DIR"'/toolchain" ]] && echo "rustc 1.95.0 (x)"'
  fake rustup 'touch "'"$TEST_DIR"'/toolchain"'
}
undo_sandbox() {
  rm -f "$TEST_DIR/bin/bwrap" "$TEST_DIR/bin/firejail"
  [[ "$PATH" == */system ]] || without bwrap firejail
  all_packages bubblewrap firejail
}
undo_cli_tools() {
  fake apt-cache 'echo "gh | 2.4.0"'
  rm -f "$TEST_DIR/bin/gh"
  all_packages ""
  [[ "$PATH" == */system ]] || without gh
}
undo_driver() { rm -rf "$VENV/bin/rusteval"; }
undo_sandbox_proof() {
  echo 3 >"$CHECKOUT/doctor.exit"
  all_packages firejail
}
undo_demo_models() { rm -rf "$HOME/.cache/rusteval/demo"; }

go() { "$CHECKOUT/eval_setup.sh" "${ARGUMENTS[@]}" </dev/null; }

# state: every file that the set-up has made, with its size.
state() {
  find "$HOME" "$STUB_DIR/packages" "$TEST_DIR/pyenv" "$TEST_DIR/bin" \
    \( -path "$HOME/.local/state" -o -path "$HOME/.cache/pip" -o -name __pycache__ -o -name '*.tried' -o -name uv.log \) -prune -o \
    -type f -printf '%p %s\n' -o -printf '%p\n' | sort
}

# same_state: as after the uninterrupted run.
same_state() {
  state >"$TEST_DIR/state.now"
  diff "$TEST_DIR/state.reference" "$TEST_DIR/state.now"
}

# status_of STEP...: what the last summary says of them.
status_of() { summary ".steps[] | select(.id == \"$1\").status"; }

# start_and_wait STEP MODE: a run in the background, until the hook has the step where MODE says.
start_and_wait() {
  rm -f "$TEST_DIR/at-work" "$TEST_DIR/go-on"
  echo "$1 $2" >"$TEST_DIR/hook"
  /usr/bin/setsid bash -c 'echo "$$" >"$0"; exec "$@" </dev/null >"$0.log" 2>&1' "$TEST_DIR/runner" \
    "$CHECKOUT/eval_setup.sh" "${ARGUMENTS[@]}" 3>&- &
  RUNNER=$!
  wait_until test -s "$TEST_DIR/at-work"
  rm "$TEST_DIR/hook"
}

# step STEP [MODE]: all of it, by runs of this step alone; MODE is where the step is killed.
step() {
  local id="$1"
  ARGUMENTS+=(--only "$id")
  "undo_$id"
  run setup_run --plan "${ARGUMENTS[@]}"
  [[ "$output" == *"  open  "* ]]
  go
  [[ "$(status_of "$id")" == "done" ]]
  state >"$TEST_DIR/state.reference"
  step_that_fails "$id"
  step_that_outlives_its_run "$id"
  step_killed_with_its_run "$id" "${2:-after}"
}

step_that_fails() {
  local expected=20 optional
  optional="$(sed -n "s/^$1|.*|optional$/optional/p" "$CHECKOUT/lib/runner.sh")" # vLLM is not, where it is asked for by name
  [[ "$1" != sandbox* ]] || expected=40
  [[ -z "$optional" ]] || expected=0
  "undo_$1"
  echo "$1 fail" >"$TEST_DIR/hook"
  run go
  rm "$TEST_DIR/hook"
  echo "$output"
  [[ "$status" == "$expected" ]]
  [[ "$output" == *"log: $HOME/.local/state/rusteval/runs/"*"/$1.log"* ]]
  if [[ -n "$optional" ]]; then
    [[ "$(status_of "$1")" == skipped ]]
    return 0
  fi
  [[ "$output" == *"step $1 ("*"No space left on device"*"Likely cause: the disk is full"*"Fix: "* ]]
  [[ "$(summary .result)" == failed && "$(status_of "$1")" == failed ]]
}

step_that_outlives_its_run() {
  "undo_$1"
  start_and_wait "$1" before
  kill -KILL "$RUNNER"
  run go
  echo "$output"
  [[ "$status" == 75 && "$output" == *"another run is at work (process $(<"$TEST_DIR/at-work"), step $1 since "* ]]
  touch "$TEST_DIR/go-on"
  wait_until flock -n "$HOME/.local/state/rusteval/lock" true
  go
  same_state
}

step_killed_with_its_run() {
  "undo_$1"
  start_and_wait "$1" "$2"
  kill -KILL -- "-$RUNNER" "-$(<"$TEST_DIR/at-work")"
  go
  same_state
}

@test "step system_deps" { step system_deps; }
@test "step python" { step python; }
@test "step venv" { step venv venv; }
@test "step torch" { step torch half; }
@test "step flash_attn" { graphics_card && step flash_attn; }
@test "step packages" { step packages half; }
@test "step vllm" { graphics_card && step vllm half; }
@test "step ecosystem" { step ecosystem half; }
@test "step rust" { step rust; }
@test "step sandbox" { step sandbox; }
@test "step cli_tools" { graphics_card && step cli_tools; }
@test "step driver" { step driver; }
@test "step sandbox_proof" { step sandbox_proof; }
@test "step demo_models" { step demo_models; }

@test "every step of the table is among these tests" {
  load_harness 1
  runner_load_table
  local id
  for id in "${STEPS[@]}"; do
    grep -q "^@test \"step $id\"" "$BATS_TEST_FILENAME" ||
      { echo "the step $id has no test: add undo_$id, which makes it open again, and a line of its own"; false; }
  done
}
