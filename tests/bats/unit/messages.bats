#!/usr/bin/env bats
load ../helper

setup() {
  isolate
  load_harness
}

@test "a failed step's log leads to a cause and a fix" {
  local case
  for case in \
    "OSError: [Errno 28] No space left on device~disk is full" \
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 311~another package manager" \
    "error: Failed to fetch: dns error: failed to lookup address information: Name or service not known~no network" \
    "curl: (6) Could not resolve host: github.com~no network" \
    "curl: (28) Connection timed out after 20001 milliseconds~cannot be reached" \
    "E: Unable to locate package firejail~universe" \
    "sha256 mismatch for https://x: expected 1, got 2~not the file that was pinned" \
    "SSLError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate in chain')~not trusted" \
    "Because there is no version of torch==2.7.1~lacks a pinned version" \
    "OSError: [Errno 122] Disk quota exceeded~disk is full" \
    "ERROR: HTTP error 503 Server Error: Service Unavailable for url: https://x/simple/torch/~out of order" \
    "error: Failed to fetch: 429 Too Many Requests~overloaded" \
    "huggingface_hub.errors.GatedRepoError: 401 Client Error.~HF_TOKEN" \
    "403 Client Error: Forbidden for url: https://x/config.json~access to the model" \
    "E: dpkg was interrupted, you must manually run 'sudo dpkg --configure -a'~dpkg --configure -a" \
    "ImportError: /lib/x86_64-linux-gnu/libc.so.6: version \`GLIBC_2.34' not found~Ubuntu 22.04 or newer" \
    "c++: fatal error: Killed signal terminated program cc1plus~out of memory" \
    "numpy.core._exceptions.MemoryError: Unable to allocate~out of memory" \
    "BUILD FAILED (Ubuntu 22.04 using python-build 2.6.30)~could not be compiled"; do
    echo "${case%~*}" >log
    run failure_hint log
    [[ "$output" == *"${case#*~}"* && "$output" == *"Fix: "* ]] || { echo "$case: $output"; false; }
  done
  echo "something new" >log
  run failure_hint log
  [[ "$output" == "Fix: read log"* ]]
}

@test "JSON survives quotes, backslashes, newlines, control characters and what is not UTF-8" {
  local text=$'a "b" \\ c\nd\te\a/ü' locale
  [[ "$(json_object key "$text" | jq -r .key)" == $'a "b" \\ c\nd\te/ü' ]]
  for locale in C C.UTF-8; do
    LC_ALL="$locale" json_object key $'caf\xe9 \xff "ü"' | python3 -c 'import json, sys; assert json.load(sys.stdin)["key"] == "caf  \"ü\""'
  done
  [[ "$(printf '%s\n' "$text" "" '"' | json_list | jq -c .)" == '["a \"b\" \\ c","d\te/ü","\""]' ]]
}

@test "JSON objects: strings, null, numbers and truth values, and JSON itself" {
  [[ "$(json_object a 1 b? 1 c? "" d? true e? 1.5 f? 007 g? "x y" h: '{"i": []}' | jq -c .)" == \
    '{"a":"1","b":1,"c":null,"d":true,"e":1.5,"f":"007","g":"x y","h":{"i":[]}}' ]]
}

@test "fields of the evaluation's status file are read" {
  printf '{"state": "running", "stage": "generate", "samples_done": 12, "samples_per_second": 3.5, "eta_s": null}' >status.json
  [[ "$(json_field status.json state)" == running ]]
  [[ "$(json_field status.json samples_done)" == 12 ]]
  [[ "$(json_field status.json samples_per_second)" == 3.5 ]]
  [[ -z "$(json_field status.json absent)" && -z "$(json_field no-such-file state)" ]]
}

@test "questions: the answer, the end of input, and answers that are none" {
  INTERACTIVE=1
  ask_yes q "Go on?" no <<<"yes"
  run ! ask_yes q "Go on?" yes <<<"N"
  ask_yes q "Go on?" yes </dev/null
  run ! ask_yes q "Go on?" no </dev/null
  ask_yes q "Go on?" yes < <(yes maybe)
}

@test "questions: nobody there means the default, which is recorded" {
  INTERACTIVE=0
  run ! ask_yes q "Go on?" no
  ask_yes colour "Go on?" yes
  [[ "${ASSUMED_ANSWERS[*]}" == *"colour=yes"* ]]
}

@test "no other file asks anything, and secrets are no option of a command line" {
  run ! grep -nE '(^|[;&|] *)read +-r +-p' "$PROJECT/eval_setup.sh" "$PROJECT"/lib/{evaluation,preflight,runner,tmux,sandbox,cli_tools,status}.sh
  run ! grep -nE 'curl [^|]*\| *(ba)?sh' "$PROJECT/eval_setup.sh" "$PROJECT"/lib/*.sh
}
