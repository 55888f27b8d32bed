#!/usr/bin/env bats
# What the preflight asks of the network, by real curl and real pip, of a server on this machine.
load ../helper

setup() {
  isolate
  machine jammy 570-h100
  mkdir -p models/base models/adapter
  export BASE_MODEL="$PWD/models/base" CHECKPOINT_PATH="$PWD/models/adapter"
  load_harness
  environment_detect
  network_sources() { :; }
  fake apt-get true
  export PIP_CONFIG_FILE=/dev/null # no pip.conf of this machine
  registry="the Python package registry"
}

teardown() { [[ -z "${SERVER_PID:-}" ]] || kill "$SERVER_PID"; }

# server: answers with the status that its path begins with, never for /hang, as a proxy with a login for the host
# "login" and as one that refuses for "refused"; "gated" wants a token. What it is asked goes to the file "requests".
server() {
  python3 -u - >port 3>&- <<'PYTHON' &
import http.server
import time

class Server(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        with open("requests", "a") as log:
            log.write(f"{self.path} {self.headers.get('Authorization')}\n")
        word = self.path.split("/")[1]
        if word == "hang":
            time.sleep(600)
        if self.path.startswith("http://login"):
            word = "407"
        if word == "gated":
            word = "200" if self.headers.get("Authorization") == "Bearer hf_good" else "401"
        self.send_response(int(word) if word.isdigit() else 200)
        self.end_headers()

    def do_CONNECT(self):
        self.send_response(407 if self.path.startswith("login") else 403)
        self.end_headers()

    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
print(server.server_port)
server.serve_forever()
PYTHON
  SERVER_PID=$!
  wait_until test -s port
  SERVER="127.0.0.1:$(<port)"
}

# preflight: what it says of the network, where every step is still to be done, but for those in DONE.
preflight() {
  runner_check() { [[ " ${DONE:-} " == *" $1 "* ]]; }
  preflight_run
  run preflight_show all
  output="$(grep -A1 -E '^  (ok  |warn|FAIL)  (network|model):' <<<"$output" || true)"
  echo "$output"
}

# a_pip: a Python that has pip, first on the PATH.
a_pip() {
  local python
  python="$(PATH="$ORIGINAL_PATH" a_python)"
  "$python" -m pip --version >/dev/null
  fake python3.12 "exec '$python' \"\$@\""
  network_sources() { registry_source; }
}

@test "every way in which a source is out of reach has words and a remedy of its own" {
  server
  network_sources() {
    network_source Good FAIL venv "http://$SERVER/200"
    network_source Moved FAIL venv "http://$SERVER/301"
    network_source Busy FAIL venv "http://$SERVER/503/"
    network_source Closed FAIL venv "http://127.0.0.1:9"
    network_source Mute FAIL venv "http://$SERVER/hang"
    network_source Plain FAIL venv "https://$SERVER/"
    network_source Login FAIL venv "http://login.test/" "proxy = \"http://$SERVER\""
    network_source Tunnel FAIL venv "https://login.test/" "proxy = \"http://$SERVER\""
    network_source Barred FAIL venv "https://refused.test/" "proxy = \"http://$SERVER\""
  }
  HF_TOKEN=hf_secret preflight
  ! grep hf_secret requests || false # that is for the hub alone
  [[ "$output" == *"ok    network: in reach: Good ($SERVER), Moved ($SERVER)"* ]]
  [[ "$output" == *"FAIL  network: Busy ($SERVER): answers 503"$'\n'*"fix: try again later"* ]]
  [[ "$output" == *"FAIL  network: Closed (127.0.0.1:9): the connection is refused"$'\n'*"fix: check the network and the proxy"* ]]
  [[ "$output" == *"FAIL  network: Mute ($SERVER): no answer in time"$'\n'*"fix: check the network"* ]]
  [[ "$output" == *"FAIL  network: Plain ($SERVER): no trusted connection"*$'\n'*"fix: check the clock"*SSL_CERT_FILE* ]]
  [[ "$output" == *"FAIL  network: Login (login.test), Tunnel (login.test): the proxy asks for a login (407)"$'\n'*"USER:PASSWORD@"* ]]
  [[ "$output" == *"FAIL  network: Barred (refused.test): the proxy refuses it (403)"$'\n'*"no_proxy"* ]]
}

@test "what cannot be staged here: no such host, a proxy without a name, a certificate of an unknown authority" {
  local case
  network_start
  NETWORK_ASKED[x]=0
  for case in "000 000 6~no such host" "000 000 5~the proxy's name" "000 200 60~certificate is not trusted" "000 000 1~exit code 1" "~exit code 1"; do
    NETWORK_SAID[x]="${case%~*}"
    network_answer x </dev/null
    [[ "$PROBLEM" == *"${case#*~}"* && -n "$REMEDY" ]] || { echo "$case: $PROBLEM"; false; }
  done
}

@test "out of reach is fatal where a step still needs the source, a warning where it can do without, else nothing" {
  export ENGINE=auto
  network_sources() {
    network_source Needed FAIL "python venv" http://127.0.0.1:9
    network_source Second warn torch http://127.0.0.1:9/
    network_source Optional FAIL "venv vllm" http://127.0.0.1:9/a
    network_source Done FAIL venv http://127.0.0.1:9/b
  }
  DONE=venv preflight
  [[ "$output" == *"FAIL  network: Needed (127.0.0.1:9): "* ]]
  [[ "$output" == *"warn  network: Second (127.0.0.1:9), Optional (127.0.0.1:9): "*"a run may do without"* ]]
  [[ "$output" == *"ok    network: out of reach, but nothing is needed from there: Done (127.0.0.1:9)"* ]]
  DONE="python venv torch vllm" preflight
  [[ "$output" != *FAIL* && "$output" != *warn* && "$output" == *"nothing is needed from there: Needed"* ]]
  # steps that a run leaves out need nothing
  runner_load_table
  SELECTED=" torch "
  preflight
  [[ "$output" != *FAIL* && "$output" == *"warn  network: Second"* ]]
}

@test "all questions are on their way before one is answered" {
  # shellcheck disable=SC2016
  fake curl 'grep "^url" >>asked
for ((i = 0; i < 300; i++)); do
  [[ "$(wc -l <asked)" -lt 7 ]] || { printf "200 000"; exit 0; }
  sleep 0.1
done
exit 28'
  BASE_MODEL=some/base CHECKPOINT_PATH=some/tune run "$PROJECT/eval_setup.sh" --check </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"some/base can be downloaded"*"some/tune can be downloaded"* ]]
  local name
  for name in "PyTorch index" pyenv "Python's source" FlashAttention Rust; do
    [[ "$output" == *"in reach: "*"$name ("* ]]
  done
}

@test "the registry is what pip goes by: its own default, PIP_INDEX_URL, pip.conf; uv's own settings come first" {
  a_pip
  server
  fake curl 'echo "$*" >>arguments; sed -n "s/^url = //p" >>asked; printf "200 000"'
  preflight
  [[ "$output" == *"in reach: $registry ("*.*")"* ]]
  grep -q '^"https://.*/simple' asked
  PIP_INDEX_URL="http://me:secret@$SERVER/200/simple" preflight
  grep -q secret asked
  run ! grep secret arguments
  rm "$TEST_DIR/bin/curl"
  PIP_INDEX_URL="http://me:secret@$SERVER/200/simple" preflight
  [[ "$output" == *"in reach: $registry ($SERVER)"* && "$output" != *secret* ]]
  grep -qx "/200/simple Basic $(printf me:secret | base64)" requests
  mkdir -p "$HOME/.config/pip"
  printf '[global]\nindex-url = http://%s/503\n' "$SERVER" >"$HOME/.config/pip/pip.conf"
  PIP_CONFIG_FILE="" preflight
  [[ "$output" == *"network: $registry ($SERVER): answers 503"* ]]
  UV_DEFAULT_INDEX="own=http://127.0.0.1:9/simple" preflight
  [[ "$output" == *"FAIL  network: $registry (127.0.0.1:9): the connection is refused"* ]]
}

@test "a registry that is switched off is not asked; one beside others, or one that knows no such page, is no more than a warning" {
  a_pip
  server
  export PIP_INDEX_URL=http://127.0.0.1:9
  PIP_NO_INDEX=1 preflight
  [[ "$output" != *network* ]]
  PIP_FIND_LINKS="$PWD" preflight
  [[ "$output" == *"warn  network: $registry (127.0.0.1:9): "* && "$output" != *FAIL* ]]
  PIP_EXTRA_INDEX_URL="http://$SERVER" preflight
  [[ "$output" == *"warn  network: $registry (127.0.0.1:9): "* && "$output" != *FAIL* ]]
  PIP_INDEX_URL="http://$SERVER/404" preflight
  [[ "$output" == *"warn  network: $registry ($SERVER): answers 404"*"fix: check the address"* ]]
  DONE="venv torch packages vllm ecosystem driver" preflight
  [[ "$output" == *"ok    network: out of reach"* && "$output" != *FAIL* && "$output" != *warn* ]]
}

@test "without a pip to ask, and without curl, it is said that nothing was checked" {
  without python3 python3.11 python3.12 python3.13
  network_sources() { registry_source; }
  preflight
  [[ "$output" == *"warn  network: $registry is not checked"* ]]
  without curl
  BASE_MODEL=some/base preflight
  [[ "$output" == *"warn  network: network and access to the models are asked for once curl is installed"* ]]
  [[ "$output" != *FAIL* ]]
}

@test "what could not be asked before there was curl is asked as soon as there is, and ends the run with 10" {
  server
  original="$PATH"
  without curl
  export HF_ENDPOINT="http://$SERVER" BASE_MODEL=gated/base
  preflight
  [[ "$NETWORK_UNASKED" == 1 && "$output" != *FAIL* ]]
  PATH="$original"
  run preflight_again
  echo "$output"
  [[ "$status" == 10 && "$output" == *"FAIL  model: gated/base needs a Hugging Face token"*"only system packages were installed"* ]]
  HF_TOKEN=hf_good run preflight_again
  [[ "$status" == 0 ]]
}

@test "system packages: their sources are asked if one is missing, one that answers is enough, and apt's proxy is used" {
  server
  fake apt-config true
  fake apt-get "[[ \$1 != indextargets ]] || printf '%s\n' http://$SERVER/200 http://127.0.0.1:9/jammy mirror+file:/etc/mirrors"
  printf '%s installed\n' "${PYTHON_BUILD_PACKAGES[@]}" >>"$STUB_DIR/packages"
  preflight
  [[ "$output" != *"system packages"* ]]
  all_packages tmux
  preflight
  [[ "$output" == *"in reach: system packages ($SERVER)"*"warn  network: system packages (127.0.0.1:9)"* && "$output" != *FAIL* ]]
  fake apt-get "[[ \$1 != indextargets ]] || echo http://127.0.0.1:9/jammy"
  preflight
  [[ "$output" == *"FAIL  network: system packages (127.0.0.1:9)"* ]]
  fake apt-get "[[ \$1 != indextargets ]] || echo http://mirror.test/jammy"
  fake apt-config "echo 'http://$SERVER'"
  preflight
  [[ "$output" == *"in reach: system packages (mirror.test)"* ]]
  grep -q "^http://mirror.test/jammy " requests
}

@test "a person may give a token where a model wants one, once; nobody else is asked" {
  server
  export HF_ENDPOINT="http://$SERVER" MODE=run
  BASE_MODEL=gated/base CHECKPOINT_PATH=gated/tune
  INTERACTIVE=1
  ui_hub_token() {
    echo x >>questions
    export HF_TOKEN=hf_good
  }
  preflight
  [[ "$output" == *"gated/base can be downloaded"*"gated/tune can be downloaded"* && "$output" != *FAIL* ]]
  [[ "$(wc -l <questions)" == 1 ]]
  export HF_TOKEN=""
  ui_hub_token() { return 1; }
  preflight
  [[ "$output" == *"FAIL  model: gated/base needs a Hugging Face token"* ]]
  ui_hub_token() { touch asked-again; }
  INTERACTIVE=0 preflight
  MODE=check preflight
  HF_TOKEN=hf_bad preflight
  [[ "$output" == *"FAIL  model: gated/base: the Hugging Face token is not valid"* && ! -e asked-again ]]
}

@test "a hub that cannot be reached is one finding, which names the cause and what is missing" {
  server
  BASE_MODEL=some/base CHECKPOINT_PATH=some/tune
  HF_ENDPOINT="http://$SERVER/503" preflight
  [[ "$output" == *"FAIL  model: the model hub cannot be reached (answers 503)"*"some/base, some/tune"*"local folders"* ]]
  [[ "$(grep -c FAIL <<<"$output")" == 1 ]]
}
