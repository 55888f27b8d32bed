#!/usr/bin/env bats
# The two locks: exact versions with hashes, and nothing that is chosen elsewhere.
load ../helper

setup() {
  isolate
  cd "$PROJECT" || return 1
}

# names LOCK: the packages that a lock pins.
names() { sed -n 's/^\([a-z0-9][a-z0-9._-]*\)==.*/\1/p' "$1" | sort -u; }

@test "every pin is exact and has a hash" {
  local lock
  for lock in requirements.lock requirements-vllm.lock; do
    run ! grep -vE '^(# .*|[a-z0-9._-]+==[^ ]+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?)$' "$lock"
    [[ "$(grep -cE '^[a-z]' "$lock")" == "$(grep -A1 -E '^[a-z]' "$lock" | grep -c -- "--hash")" ]]
  done
}

@test "PyTorch and its libraries are in neither lock, vLLM and what only it needs are in its own alone" {
  local lock
  for lock in requirements.lock requirements-vllm.lock; do
    run ! grep -E '^(torch|torchvision|torchaudio|triton|nvidia-[a-z0-9-]+|human-eval-rust|sigil-pipeline|sigilderg-finetuner|pyairports)==' "$lock"
  done
  run ! grep -E '^(vllm|ray|xformers|numba|fastapi)==' requirements.lock
  grep -q '^vllm==0.10.0 ' requirements-vllm.lock
}

@test "where both locks have a package, they have the same version" {
  local name
  comm -12 <(names requirements.lock) <(names requirements-vllm.lock) >"$TEST_DIR/both"
  while read -r name; do
    # such a one is in the first for some Pythons only
    [[ "$(sed -n "s/^$name==\\([^ ]*\\) ;.*/\\1/p" requirements.lock)" == "$(sed -n "s/^$name==\\([^ ]*\\).*/\\1/p" requirements-vllm.lock)" ]] ||
      { echo "$name"; false; }
  done <"$TEST_DIR/both"
}

@test "openai is of the range that the pinned vLLM allows" {
  load_harness
  [[ "$(vllm_version)" == 0.10.0 ]]
  local version
  version="$(sed -n 's/^openai==\([^ ]*\).*/\1/p' requirements.lock)"
  version_ge "$version" 1.87.0
  version_ge 1.90.0 "$version"
}
