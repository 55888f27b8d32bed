#!/usr/bin/env bats
load ../helper

setup() {
  isolate
  mkdir -p models/base models/adapter
  export BASE_MODEL="$PWD/models/base" CHECKPOINT_PATH="$PWD/models/adapter"
  # the network answers; what is on this machine is really asked
  fake curl 'settings="$(cat)"
if [[ "$settings" == *"\"http://127.0.0.1"* ]]; then exec /usr/bin/curl "$@" <<<"$settings"; fi
printf "200 000"'
}

teardown() { [[ -z "${HUB_PID:-}" ]] || kill "$HUB_PID"; }

check() { run "$PROJECT/eval_setup.sh" --check "$@"; }

# hub: a model hub on this machine, which answers by the repository's name and whether a token came along.
hub() {
  python3 -u - >port 3>&- <<'PYTHON' &
import http.server

class Hub(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        token = self.headers.get("Authorization")
        code = {"open": 200, "gated": 200 if token == "Bearer hf_good" else 401, "private": 403}.get(self.path.split("/")[1], 404)
        if token and token != "Bearer hf_good":
            code = 401
        self.send_response(code)
        self.end_headers()

    def log_message(self, *_):
        with open("requests", "a") as log:
            log.write(self.path + "\n")

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
print(server.server_port)
server.serve_forever()
PYTHON
  HUB_PID=$!
  wait_until test -s port
  HF_ENDPOINT="http://127.0.0.1:$(<port)"
  export HF_ENDPOINT
}

@test "Ubuntu 22.04 with an H100 passes" {
  machine jammy 570-h100
  check
  [[ "$status" == 0 && "$output" != *FAIL* && "$output" == *"CUDA 12.8"* ]]
}

@test "every thing that does not match is named at once, each with its remedy and the way out, and nothing is written" {
  machine bookworm
  echo "MemTotal: 2000000 kB" >"$RUSTEVAL_MEMINFO"
  before="$(tree_state "$HOME")"
  export HF_ENDPOINT=http://127.0.0.1:9 PYTHON_BUILD_MIRROR_URL=http://127.0.0.1:9
  FAKE_FREE_KB=1000000 SANDBOX_MODE=docker BASE_MODEL=some/base ENGINE=vllm PYTHON_VERSION=3.12.250 run "$PROJECT/eval_setup.sh" </dev/null
  echo "$output"
  [[ "$status" == 10 ]]
  for name in os gpu engine disk memory sandbox network model; do
    grep -A1 "FAIL  $name:" <<<"$output" | grep -q "fix: " || { echo "$name"; false; }
  done
  [[ "$output" == *"SKIP_ENV_CHECK=1"* && "$output" == *"nothing was changed"* ]]
  [[ "$(tree_state "$HOME")" == "$before" ]]
}

@test "another card, and a driver that is too old, are told apart" {
  machine jammy 570-h100 "NVIDIA A100-SXM4-80GB"
  check
  [[ "$status" == 10 && "$output" == *"A100"*"not an H100"* && "$output" != *"FAIL  driver"* ]]
  machine jammy 570-h100
  sed 's/12\.8/12.2/' "$FIXTURES/nvidia-smi-570-h100.txt" >old
  fake nvidia-smi "[[ -n \"\$*\" ]] && echo 'NVIDIA H100 PCIe, 535.1' || cat '$PWD/old'"
  check
  [[ "$status" == 10 && "$output" == *"FAIL  driver"*"12.2"* && "$output" != *"FAIL  gpu"* ]]
}

@test "SKIP_ENV_CHECK demotes system, card and driver, and nothing else" {
  machine bookworm mismatch
  SKIP_ENV_CHECK=1 check
  [[ "$status" == 0 && "$output" == *"warn  os"* && "$output" == *"warn  gpu"* ]]
  FAKE_FREE_KB=1000000 SKIP_ENV_CHECK=1 check
  [[ "$status" == 10 && "$output" == *"FAIL  disk"* ]]
}

@test "the demo asks for no card, but for Debian or Ubuntu, space and memory" {
  unset BASE_MODEL CHECKPOINT_PATH
  machine bookworm
  check --demo
  [[ "$status" == 0 && "$output" != *gpu* ]]
  machine fedora
  FAKE_FREE_KB=1000000 check --demo
  [[ "$status" == 10 && "$output" == *"FAIL  os"* && "$output" == *"FAIL  disk"* ]]
}

@test "an engine asked for by name that cannot be had is a finding, beside all the others" {
  machine jammy 550-h100
  check
  [[ "$status" == 0 && "$output" != *"engine"* ]]
  ENGINE=vllm FAKE_FREE_KB=1000000 check
  [[ "$status" == 10 && "$output" == *"FAIL  engine: ENGINE=vllm, and vLLM cannot be had: "*"2.4.0 of cu124"*"fix: set ENGINE=auto"* ]]
  [[ "$output" == *"FAIL  disk"* ]]
  machine bookworm
  ENGINE=vllm-server SKIP_ENV_CHECK=1 check
  [[ "$status" == 10 && "$output" == *"FAIL  engine: ENGINE=vllm-server"*"no graphics card"* ]]
  ENGINE=vllm check --demo
  [[ "$status" == 10 && "$output" == *"FAIL  engine"*"the demo uses no graphics card"* ]]
  machine jammy 570-h100
  ENGINE=vllm PYTHON_VERSION=3.13.1 check
  [[ "$status" == 10 && "$output" == *"FAIL  engine"*"Python 3.12, and this is 3.13.1"* ]]
  ENGINE=vllm check
  [[ "$status" == 0 && "$output" == *"ok    engine: vLLM 0.10.0"* ]]
}

@test "VLLM_PYTHON: a Python with vllm passes on any machine, one without it is a finding" {
  machine bookworm
  fake my-python 'exit 0'
  ENGINE=vllm-server VLLM_PYTHON="$TEST_DIR/bin/my-python" check --demo
  [[ "$status" == 0 && "$output" == *"ok    engine: vLLM of $TEST_DIR/bin/my-python"* ]]
  fake my-python 'exit 1'
  ENGINE=vllm-server VLLM_PYTHON="$TEST_DIR/bin/my-python" check --demo
  [[ "$status" == 10 && "$output" == *"FAIL  engine"*"this Python has no vllm"* ]]
}

@test "vLLM needs space of its own, as long as it is not installed" {
  machine jammy 570-h100
  check
  [[ "$output" == *"17 GiB needed for $HOME/.venvs"* ]]
  ENGINE=transformers check
  [[ "$output" == *"14 GiB needed for $HOME/.venvs"* ]]
  mkdir -p "$HOME/.venvs/sigilderg-humaneval/lib/python3.12/site-packages/vllm"
  check
  [[ "$output" == *"14 GiB needed for $HOME/.venvs"* ]]
}

@test "missing packages without root: the exact command is given" {
  machine jammy 570-h100
  all_packages tmux pkg-config
  load_harness
  have_root() { return 1; }
  environment_detect
  preflight_run
  run preflight_show
  [[ "$status" == 10 && "$output" == *"sudo apt-get install --no-install-recommends "*"pkg-config"*"tmux"* ]]
}

@test "no sandbox and no way to install one is exit code 40 when it is all that is wrong" {
  machine jammy 570-h100
  without bwrap firejail docker
  fake df 'echo; echo "/dev/sda1 1 1 900000000 1% /"'
  load_harness
  have_root() { return 1; }
  system_packages_missing() { :; }
  environment_detect
  preflight_run
  run preflight_show
  [[ "$status" == 40 && "$output" == *"no sandbox of SANDBOX_MODE=auto is installed"* ]]
}

@test "SANDBOX_MODE=none needs a second word, which a person may still give" {
  machine jammy 570-h100
  SANDBOX_MODE=none check
  [[ "$status" == 40 && "$output" == *"FAIL  sandbox"*"without isolation"*"fix: set ALLOW_UNSANDBOXED=YES"* ]]
  SANDBOX_MODE=none ALLOW_UNSANDBOXED=YES check
  [[ "$status" == 0 && "$output" == *"warn  sandbox"*"without isolation"* ]]
  SANDBOX_MODE=none load_harness
  environment_detect
  INTERACTIVE=1
  preflight_run
  run preflight_show
  [[ "$status" == 0 && "$output" == *"warn  sandbox"*"will ask"* ]]
}

@test "SANDBOX_MODE=docker: an engine that answers passes, one that does not is told with the remedy" {
  machine jammy 570-h100
  fake docker 'echo 28.2.2'
  SANDBOX_MODE=docker check
  [[ "$status" == 0 ]]
  fake docker 'echo "permission denied while trying to connect to the socket" >&2; exit 1'
  SANDBOX_MODE=docker check
  [[ "$status" == 40 && "$output" == *"FAIL  sandbox: "*"permission denied"*"group docker"* ]]
}

@test "SANDBOX_MODE=docker: a program that is missing is never installed, and a stopped engine can be started" {
  machine jammy 570-h100
  without docker
  SANDBOX_MODE=docker check
  [[ "$status" == 40 && "$output" == *"FAIL  sandbox"*"docker is not installed"*"fix: install it (this program never does)"* ]]
  fake docker 'echo "Cannot connect to the Docker daemon. Is it running?" >&2; exit 1'
  fake systemctl 'echo loaded'
  SANDBOX_MODE=docker load_harness
  environment_detect
  have_root() { return 0; }
  preflight_run
  run preflight_show all
  [[ "$status" == 0 && "$output" == *"ok    sandbox: the Docker engine can be started"* ]]
}

@test "all candidates for a sandbox are named in one line" {
  machine jammy 570-h100
  without docker firejail
  fake bwrap true
  load_harness
  environment_detect
  have_root() { return 0; }
  preflight_run
  run preflight_show all
  [[ "$output" == *"ok    sandbox: bubblewrap is installed, firejail can be installed"* ]]
  fake docker 'echo 28.2.2'
  preflight_run
  run preflight_show all
  [[ "$output" == *"ok    sandbox: the Docker engine answers (version 28.2.2), bubblewrap is installed"* ]]
}

@test "another package manager at work is named and waited for, if packages are missing" {
  machine jammy 570-h100
  mkdir dpkg
  export DPKG_ADMINDIR="$PWD/dpkg"
  python3 -c '
import fcntl, signal
lock = open("dpkg/lock-frontend", "w")
fcntl.lockf(lock, fcntl.LOCK_EX)
open("locked", "w").close()
signal.pause()' "as apt-get does" 3>&- &
  holder=$!
  wait_until test -e locked
  load_harness
  printf '%s installed\n' "${PYTHON_BUILD_PACKAGES[@]}" >>"$STUB_DIR/packages"
  check
  [[ "$status" == 0 && "$output" != *"package manager"* ]]
  all_packages tmux
  check
  kill "$holder"
  [[ "$output" == *"warn  packages: another package manager is at work (process $holder: python3 "*"waits for it up to 10 minutes"* ]]
  [[ "$output" != *"FAIL  packages"* ]]
  wait "$holder" || true
  check
  [[ "$output" != *"package manager"* ]]
}

@test "a file system on which nothing may run is found: fatal for VENV_DIR, a warning for TMPDIR" {
  machine jammy 570-h100
  mkdir -p there/{venv,tmp}
  fake findmnt '[[ "${!#}" != *"${NOEXEC:-nowhere}"* ]] && echo rw,relatime || echo rw,noexec,nosuid'
  export VENV_DIR="$PWD/there/venv" TMPDIR="$PWD/there/tmp"
  check
  [[ "$status" == 0 && "$output" != *noexec* ]]
  NOEXEC=/there/venv check
  [[ "$status" == 10 && "$output" == *"FAIL  disk: $VENV_DIR lies on"*"noexec"*"fix: set VENV_DIR"* ]]
  NOEXEC=/there/tmp check
  [[ "$status" == 0 && "$output" == *"warn  disk: $TMPDIR lies on"*"fix: set TMPDIR"* ]]
}

@test "tmux: there, a session that is there, and what will become of it" {
  machine jammy 570-h100
  check
  [[ "$output" == *"ok    tmux: there, and no session sigilderg-eval"* ]]
  [[ ! -e "$TMUX_TMPDIR/tmux-$EUID" ]] # nothing was made
  tmux new-session -d -s sigilderg-eval sleep 300 3>&-
  check
  [[ "$status" == 0 && "$output" == *"warn  tmux: the session sigilderg-eval is there already"*"leave it and end"*"NONINTERACTIVE=1"* ]]
  NONINTERACTIVE=1 check
  [[ "$status" == 0 && "$output" == *"warn  tmux: "*"will replace it"* ]]
  check --foreground
  [[ "$output" != *"  tmux: "* ]]
  load_harness
  environment_detect
  INTERACTIVE=1
  preflight_run
  run preflight_show
  [[ "$output" == *"warn  tmux: "*"will ask whether to replace it"* ]]
  tmux kill-server
  without tmux
  have_root() { return 1; }
  preflight_run
  run preflight_show
  [[ "$output" == *"warn  tmux: not installed"*"in this terminal"* ]]
}

@test "a set-up run at work is named, by the modes that only look" {
  machine jammy 570-h100
  state="$HOME/.local/state/rusteval"
  mkdir -p "$state"
  touch "$state/lock"
  check
  [[ "$output" != *"another run"* ]]
  (
    exec 9>>"$state/lock"
    flock 9
    touch locked
    exec sleep 300
  ) 3>&- &
  holder=$!
  wait_until test -e locked
  check
  kill "$holder"
  echo "$output"
  [[ "$status" == 0 && "$output" == *"warn  lock: another run is at work (process $holder"*"exit code 75"* ]]
}

@test "model access: open, no token, wrong token, good token, no permission, no such model" {
  machine jammy 570-h100
  hub
  BASE_MODEL=open/base CHECKPOINT_PATH=open/tune/checkpoint-7 check
  [[ "$status" == 0 ]]
  grep -qx "/open/base/resolve/main/config.json" requests
  grep -qx "/open/tune/resolve/main/checkpoint-7/adapter_config.json" requests
  BASE_MODEL=gated/base check
  [[ "$status" == 10 && "$output" == *"needs a Hugging Face token"*"HF_TOKEN"* ]]
  HF_TOKEN=hf_bad BASE_MODEL=gated/base check
  [[ "$status" == 10 && "$output" == *"token is not valid"* ]]
  HF_TOKEN=hf_good BASE_MODEL=gated/base check
  [[ "$status" == 0 ]]
  HF_TOKEN=hf_good BASE_MODEL=private/base CHECKPOINT_PATH=nobody/nothing check
  [[ "$status" == 10 && "$output" == *"private/base: this Hugging Face account has no permission"* ]]
  [[ "$output" == *"nobody/nothing: there is no such model"* ]]
}

@test "a token that hf auth login has stored is used" {
  machine jammy 570-h100
  hub
  mkdir -p "$HOME/.cache/huggingface"
  echo hf_good >"$HOME/.cache/huggingface/token"
  BASE_MODEL=gated/base check
  [[ "$status" == 0 ]]
}

@test "the token never appears among a process's arguments" {
  machine jammy 570-h100
  fake curl 'echo "$*" >>"$STUB_DIR/curl.args"; cat >>"$STUB_DIR/curl.stdin"; echo 200'
  HF_TOKEN=hf_SENTINEL BASE_MODEL=gated/base check
  [[ "$status" == 0 ]]
  run ! grep -q SENTINEL "$STUB_DIR/curl.args"
  grep -q SENTINEL "$STUB_DIR/curl.stdin"
}

@test "a hub that cannot be reached is a finding, unless the models are on this machine" {
  machine jammy 570-h100
  export HF_ENDPOINT=http://127.0.0.1:9
  BASE_MODEL=some/base CHECKPOINT_PATH=some/tune/checkpoint-7 check
  [[ "$status" == 10 && "$output" == *"hub cannot be reached"* ]]
  mkdir -p "$HOME/.cache/huggingface/hub/models--some--base/snapshots/abc" \
    "$HOME/.cache/huggingface/hub/models--some--tune/snapshots/abc"
  BASE_MODEL=some/base CHECKPOINT_PATH=some/tune/checkpoint-7 check
  [[ "$status" == 0 ]]
}

@test "a Python that is named must do for every package, unless the strict regime is left" {
  machine jammy 570-h100
  PYTHON_VERSION=3.12.1 check
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  python: PYTHON_VERSION=3.12.1 is too old for sigilderg-finetuner, which needs 3.12.10"*"fix: leave PYTHON_VERSION out"* ]]
  PYTHON_VERSION=3.12.1 SKIP_ENV_CHECK=1 check
  [[ "$output" != *"too old for"* ]]
}
