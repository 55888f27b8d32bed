#!/usr/bin/env bats
# A fresh Ubuntu 22.04, as it is rented: the real harness, real apt, real dpkg and its locks; of the graphics card only
# what its driver says is recorded. With RUSTEVAL_TEST_UBUNTU=full also the whole way to the reports.
load ../helper
load ubuntu

setup_file() {
  OBSTACLE="$(ubuntu_obstacle)"
  export OBSTACLE
  [[ -z "$OBSTACLE" ]] || return 0
  ubuntu_base >"$BATS_FILE_TMPDIR/base.log" 2>&1 || {
    tail -n 30 "$BATS_FILE_TMPDIR/base.log" >&2
    return 1
  }
  ubuntu_root "$BATS_FILE_TMPDIR/root"
}

setup() {
  ROOT="$BATS_FILE_TMPDIR/root" UBUNTU_ENVIRONMENT=(RUSTEVAL_MEMINFO=/opt/meminfo)
  [[ -n "$OBSTACLE" ]] || return 0
  [[ -z "${CI:-}" ]] || { echo "$OBSTACLE"; return 1; }
  skip "$OBSTACLE"
}

teardown_file() { rm -rf --one-file-system "$BATS_FILE_TMPDIR/root"; }

failed() { sed -n 's/^ *FAIL  \([a-z ]*\):.*/\1/p' <<<"$output" | sort -u | tr '\n' ' '; }

step_log() { cat "$ROOT$(readlink "$ROOT/root/.local/state/rusteval/latest")/system_deps.log"; }

# less_tmux: everything is installed but tmux, so that the step has a little to do.
less_tmux() { in_ubuntu bash -c 'apt-get -qq -y purge tmux; apt-get clean' >/dev/null 2>&1 || true; }

@test "--check: the strict check of the machine passes, every missing thing is told, and nothing is changed" {
  before="$(tree_state "$ROOT")"
  run in_ubuntu /opt/rusteval/eval_setup.sh --check
  echo "$output"
  for expected in "os: Ubuntu 22.04" "architecture: x86_64" "gpu: NVIDIA H100" "driver: driver 570.124.06 with CUDA 12.8" \
    "memory: 219.3 GiB" "privileges: 18 system packages can be installed" "sandbox: bubblewrap can be installed"; do
    [[ "$output" == *"  ok    $expected"* ]] || { echo "missing: $expected"; false; }
  done
  [[ "$output" == *"asked for once curl is installed"* ]]
  [[ "$status" == 0 || "$(failed)" == "disk " ]] # the disk is that of the tests' machine
  [[ "$(tree_state "$ROOT")" == "$before" ]]
}

@test "--check by a user without any rights and with another card: all of it told at once, with the commands to type" {
  in_ubuntu bash -c 'cp /usr/local/bin/nvidia-smi /usr/local/sbin/ && sed -i s/H100/A100/ /usr/local/sbin/nvidia-smi'
  run in_ubuntu runuser -u nobody -- env HOME=/tmp/somebody bash -c 'mkdir $HOME; /opt/rusteval/eval_setup.sh --check'
  rm "$ROOT/usr/local/sbin/nvidia-smi"
  echo "$output"
  [[ "$status" == 10 && "$(failed)" == *"gpu privileges sandbox "* ]]
  [[ "$output" == *"the graphics card is NVIDIA A100"*"run: sudo apt-get install "*curl*git*libssl-dev*"install "*bubblewrap* ]]
}

@test "system packages: installed by real apt with what Python is built from; a second run has nothing to do" {
  run in_ubuntu /opt/rusteval/eval_setup.sh --demo --only system_deps </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"System packages: all installed"* ]]
  run in_ubuntu bash -c 'source <(sed -n "/^readonly PYTHON_BUILD_PACKAGES/,\$p" /opt/rusteval/eval_setup_config.sh)
    dpkg-query -W -f "\${Package} \${Status}\n" "${PYTHON_BUILD_PACKAGES[@]}" curl git tmux'
  echo "$output"
  [[ "$status" == 0 && "$(wc -l <<<"$output")" -ge 14 && "$(grep -cv " install ok installed$" <<<"$output")" == 0 ]]
  before="$(tree_state "$ROOT/var")"
  run in_ubuntu /opt/rusteval/eval_setup.sh --demo --only system_deps </dev/null
  [[ "$status" == 0 && -z "$(step_log)" && "$(tree_state "$ROOT/var")" == "$before" ]]
}

@test "another package manager at work: the step waits for it, and succeeds when it has finished" {
  less_tmux
  run in_ubuntu bash -s <<'SCRIPT'
set -eu
mkdir -p /tmp/slow/DEBIAN
printf '%s\n' "Package: slow" "Version: 1" "Architecture: all" "Maintainer: me <me@localhost>" "Description: slow" \
  >/tmp/slow/DEBIAN/control
printf '#!/bin/sh\ntouch /tmp/at-work; until [ -e /tmp/go-on ]; do sleep 0.2; done\n' >/tmp/slow/DEBIAN/postinst
chmod 755 /tmp/slow/DEBIAN/postinst
dpkg-deb --build /tmp/slow >/dev/null
dpkg -i /tmp/slow.deb </dev/null &
until [ -e /tmp/at-work ]; do sleep 0.1; done
/opt/rusteval/eval_setup.sh --demo --only system_deps </dev/null &
run=$!
tries=0
until grep -qs "is held by process" ~/.local/state/rusteval/latest/system_deps.log; do
  tries=$((tries + 1)) && [ "$tries" -lt 300 ] && kill -0 "$run"
  sleep 0.1
done
dpkg-query -W -f '${Status}\n' tmux 2>/dev/null | grep -q "ok installed" && exit 9
touch /tmp/go-on
wait "$run"
SCRIPT
  echo "$output"
  step_log
  [[ "$status" == 0 && "$output" == *"another package manager is at work "*"dpkg -i"*"System packages: all installed"* ]]
}

@test "package lists that are older than the mirror: refreshed once, then installed" {
  less_tmux
  # a list of long ago names a file that the mirror has no more, and its signed index has other sums
  sed -i 's#^\(Filename: .*/tmux_\)[^_]*_#\10-gone_#' "$ROOT"/var/lib/apt/lists/*_Packages
  sed -i -E 's/^ [0-9a-f]{4}/ 0000/' "$ROOT"/var/lib/apt/lists/*InRelease
  run in_ubuntu /opt/rusteval/eval_setup.sh --demo --only system_deps </dev/null
  echo "$output"
  step_log
  [[ "$status" == 0 && "$output" == *"System packages: all installed"* ]]
  [[ "$(step_log | grep -c 404)" -ge 1 && "$(step_log | grep -c "refreshing the package lists")" == 1 ]]
}

@test "no network: the step ends with the cause and what to do" {
  less_tmux
  run in_ubuntu_offline /opt/rusteval/eval_setup.sh --demo --only system_deps </dev/null
  echo "$output"
  [[ "$status" == 10 || "$status" == 20 ]]
  [[ "$output" == *network* && ("$output" == *"Fix: "* || "$output" == *"fix: "*) ]]
}

@test "the whole way: demo in the foreground, then the strict way in tmux, both to their reports; a sandbox that does not contain is refused" {
  [[ "${RUSTEVAL_TEST_UBUNTU:-}" == full ]] || skip "takes minutes: RUSTEVAL_TEST_UBUNTU=full runs it"
  local version python models=/root/.cache/rusteval/demo
  python="$(newest_python)"
  version="$("$python" -c 'import platform; print(platform.python_version())')"
  see_machine "$python"
  run in_ubuntu env PYTHON_VERSION="$version" /opt/rusteval/eval_setup.sh --demo </dev/null
  echo "$output"
  [[ "$status" == 0 && "$output" == *"contains what it must"*"The evaluation is done."* ]]
  run in_ubuntu env TORCH_PROFILE=cpu PYTHON_VERSION="$version" NONINTERACTIVE=1 TASKS="@$models/tasks.txt" \
    BASE_MODEL="$models/base" CHECKPOINT_PATH="$models/adapter/checkpoint-120" bash -s <<'SCRIPT'
set -eux
/opt/rusteval/eval_setup.sh </dev/null
tries=0
until [ -e ~/.local/state/rusteval/latest-evaluation/eval.exit ]; do
  tries=$((tries + 1)) && [ "$tries" -lt 300 ]
  sleep 1
done
/opt/rusteval/eval_setup.sh --doctor </dev/null
/opt/rusteval/eval_setup.sh --status </dev/null
~/.venvs/sigilderg-humaneval/bin/rusteval doctor --sandbox-mode bubblewrap
# where there are no kernel threads to be seen, Firejail runs a command without any jail and says nothing
code=0
~/.venvs/sigilderg-humaneval/bin/rusteval doctor --sandbox-mode firejail || code=$?
[ "$code" = 3 ]
tmux kill-server
SCRIPT
  echo "$output"
  [[ "$status" == 0 && "$output" == *"ok    gpu: NVIDIA H100"*"ended with exit code 0"* ]]
  [[ "$(jq -r .machine_regime "$ROOT/root/humaneval_results/eval_metadata.json")" == validated ]]
  grep -q "pass@1" "$ROOT/root/humaneval_results/combined_summary.md"
  run in_ubuntu env NONINTERACTIVE=1 /opt/rusteval/eval_setup.sh --uninstall </dev/null
  echo "$output"
  [[ "$status" == 0 && ! -e "$ROOT/root/.venvs/sigilderg-humaneval" && -e "$ROOT/root/humaneval_results" ]]
}
