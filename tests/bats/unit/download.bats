#!/usr/bin/env bats
# Downloads from a real local server with a real curl (and git): what is tried again, what never is, and what stays.
load ../helper
load ../index/index

setup() {
  isolate
  load_harness
  index_start
  export RUSTEVAL_RETRY_PAUSE=0
  echo "a tool" >"$INDEX/tool"
  SHA256="$(sha256sum <"$INDEX/tool" | cut -d' ' -f1)"
}

teardown() { index_stop; }

# get: fetch it as the harness does.
get() { fetch "$SERVER/tool" "$SHA256" "$HOME/new/tool"; }

@test "503, 503, then the file: fetched at the third attempt, each one said, and only the file stays" {
  faults "tool 503 503"
  run get
  [[ "$status" == 0 && "$output" == *"returned error: 503"*"attempt 1 of 5 failed"*"attempt 2 of 5 failed"* ]]
  [[ "$(ls -A "$HOME/new")" == tool && "$(<"$HOME/new/tool")" == "a tool" && "$(asked /tool)" == 3 ]]
  grep -qx "folder$(printf '\t')$HOME/new" "$STATE_DIR/made"
}

@test "pauses grow, and a server's own wish for a longer one is granted" {
  sleep() { echo "$1" >>"$STUB_DIR/pauses"; }
  unset RUSTEVAL_RETRY_PAUSE
  faults "tool 503*"
  run get
  [[ "$status" == 22 && "$(asked /tool)" == 5 && "$(paste -sd' ' "$STUB_DIR/pauses")" == "2 4 8 16" ]]
  [[ ! -e "$HOME/new/tool" && ! -e "$HOME/new/tool.part" ]]
  rm "$STUB_DIR/pauses"
  faults "tool 429:9 429:08 500"
  run get
  [[ "$status" == 0 && "$(paste -sd' ' "$STUB_DIR/pauses")" == "9 18 36" ]]
}

@test "what may pass is tried again: every such status and every such end of a connection" {
  local fault
  for fault in 408 429 500 502 503 504 short stall; do
    rm -f "$INDEX/requests" "$HOME/new/tool"
    faults "tool $fault" "# $fault"
    RUSTEVAL_STALL_TIME=1 run get
    [[ "$status" == 0 && "$(asked /tool)" == 2 ]] || { echo "$fault: $output"; false; }
  done
  index_stop
  run get
  [[ "$status" == 7 && "$output" == *"attempt 4 of 5 failed"* ]]
  SERVER="https://no-such-host.invalid" run get
  [[ "$status" == 6 && "$output" == *"attempt 4 of 5 failed"* ]]
}

@test "what never passes by itself is not tried again: 401, 403, 404, a wrong checksum, a full disk" {
  local fault
  for fault in 400 401 403 404 410 501 wrong; do
    rm -f "$INDEX/requests"
    faults "tool $fault*" "# $fault"
    run get
    [[ "$status" != 0 && "$(asked /tool)" == 1 && -z "$(ls -A "$HOME/new")" ]] || { echo "$fault: $output"; false; }
  done
  [[ "$output" == *"sha256 mismatch for $SERVER/tool: expected $SHA256, got "* ]]
  rm "$INDEX/requests" "$INDEX/faults"
  head -c 3000000 /dev/zero >"$INDEX/large"
  # a file that cannot grow fails a write as a full disk does
  run bash -c "trap '' XFSZ; ulimit -f 1000; source '$PROJECT/lib/step_main.sh'; harness_load '$PROJECT' / 0; fetch '$SERVER/large' '' '$HOME/new/large'"
  [[ "$status" == 23 && "$(asked /large)" == 1 && ! -e "$HOME/new/large.part" ]]
}

@test "a download that was cut off by a kill is begun anew" {
  mkdir -p "$HOME/new"
  echo "half of another" >"$HOME/new/tool.part"
  get
  [[ "$(<"$HOME/new/tool")" == "a tool" && ! -e "$HOME/new/tool.part" ]]
}

@test "only https, and http on this machine alone; also where a server leads elsewhere" {
  run fetch "http://localhost:${SERVER##*:}/tool" "$SHA256" "$HOME/new/tool"
  [[ "$status" == 1 && "$(asked tool)" == 0 ]]
  run fetch "http://127.0.0.1:80@localhost:${SERVER##*:}/tool" "$SHA256" "$HOME/new/tool"
  [[ "$status" == 1 && "$(asked tool)" == 0 ]]
  run fetch "file://$INDEX/tool" "$SHA256" "$HOME/new/tool"
  [[ "$status" == 1 && ! -e "$HOME/new/tool" ]]
  run fetch "ftp://127.0.0.1/tool" "$SHA256" "$HOME/new/tool"
  [[ "$status" == 1 ]]
  fake curl 'echo "$*" >"$STUB_DIR/curl.args"'
  run fetch "https://example.invalid/tool" "$SHA256" "$HOME/new/tool"
  grep -q -- "--proto =https --proto-redir =https --tlsv1.2" "$STUB_DIR/curl.args"
}

@test "a password in an address is in no argument, and in nothing that is said" {
  echo "me:s3cret" >"$INDEX/login"
  local real
  real="$(command -v curl)"
  fake curl 'echo "$*" >>"$STUB_DIR/curl.args"; exec '"$real"' "$@"'
  run answers "http://me:s3cret@127.0.0.1:${SERVER##*:}/tool"
  [[ "$status" == 0 && "$output" != *s3cret* ]]
  run answers "http://me:s3cret@127.0.0.1:${SERVER##*:}/nothing"
  [[ "$status" == 22 && "$output" != *s3cret* ]]
  run ! grep -q s3cret "$STUB_DIR/curl.args"
  run answers "$SERVER/tool"
  [[ "$status" == 22 && "$output" == *401* ]]
}

@test "git: a network that fails is asked again, an answer is not" {
  git init --quiet here
  run retry git -C here fetch --quiet "$SERVER/repo.git" main
  [[ "$status" != 0 && "$output" != *attempt* ]]
  faults "repo 503*"
  run retry git -C here fetch --quiet "$SERVER/repo.git" main
  [[ "$status" != 0 && "$output" == *"returned error: 503"*"attempt 4 of 5"* ]]
  index_stop
  run retry git -C here fetch --quiet http://127.0.0.1:9/repo.git main
  [[ "$status" != 0 && "$output" == *"attempt 4 of 5"* ]]
}

@test "nothing that is downloaded is handed to a shell" {
  cd "$PROJECT"
  run ! grep -rnE '(curl|wget)[^|#]*\|[[:space:]]*(sudo[[:space:]]+)?(env[[:space:]]+)?(ba|da|z)?sh\b' \
    eval_setup.sh eval_setup_config.sh lib scripts README.md docs
}
