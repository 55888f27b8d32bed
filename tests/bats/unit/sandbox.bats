#!/usr/bin/env bats
# Steps "sandbox", "sandbox_proof" and "cli_tools", each verb in a process of its own as in a run.
load ../helper

setup() {
  isolate
  machine jammy 570-h100
  without firejail bwrap gh
  machine_programs
  export STATE_DIR="$HOME/.local/state/rusteval" VENV_DIR="$HOME/venv" INVOCATION_DIR="$PWD" DEMO=0 EXPLICIT_OPTIONS=" "
  export RUSTEVAL_DOCKER_PATIENCE=2
  mkdir -p "$STATE_DIR" "$VENV_DIR/bin"
}

# machine_programs: packages are "installed" by a stand-in of apt-get, which also makes the program; root needs no sudo.
machine_programs() {
  fake sudo 'shift; exec "$@"'
  fake rustup 'exit 1'
  all_packages bubblewrap firejail
  fake apt-get '
echo "$*" >>"$STUB_DIR/apt"
[[ " $* " == *" install "* ]] || exit 0
for name; do
  case "$name" in
    bubblewrap | firejail)
      echo "$name installed" >>"$STUB_DIR/packages"
      [[ "$name" == firejail ]] || name=bwrap
      ln -sf /bin/true "$(dirname "$0")/$name"
      ;;
  esac
done'
}

no_docker() { rm -f "$TEST_DIR/bin/docker" "$TEST_DIR/system/docker"; }

step() { run bash "$PROJECT/lib/step_main.sh" "$1" "$2"; }

# judge: the judge whose self-test passes for the back ends that $STUB_DIR/passes names; in "auto" the first of them, and
# Docker only once its images are there.
judge() {
  echo "$*" >"$STUB_DIR/passes"
  cat >"$VENV_DIR/bin/rusteval" <<'DOCTOR'
#!/usr/bin/env bash
echo "$3 ${RUSTEVAL_DOCKER_BUILD:-may build}" >>"$STUB_DIR/doctor"
passes=" $(<"$STUB_DIR/passes") "
for name in docker firejail bubblewrap; do
  program="${name/bubblewrap/bwrap}"
  [[ "$3" == auto || "$3" == "$name" ]] && command -v "$program" >/dev/null && [[ "$passes" == *" $name "* ]] || continue
  if [[ "$name" == docker ]]; then
    docker version >/dev/null 2>&1 || continue
    [[ "$3" == auto || "${RUSTEVAL_DOCKER_BUILD:-}" == 0 ]] || touch "$STUB_DIR/images"
    [[ -e "$STUB_DIR/images" ]] || continue
  fi
  echo "sandbox  $name"
  exit 0
done
echo "error: no acceptable sandbox: $3: its reason. Install firejail or bubblewrap, or accept the risk" >&2
exit 3
DOCTOR
  chmod +x "$VENV_DIR/bin/rusteval"
}

# engine running|stopped|foreign: a Docker client whose engine is such; "stopped" is started by service(8).
engine() {
  [[ "$1" != running ]] || touch "$STUB_DIR/engine"
  fake docker '
[[ ! -e "$STUB_DIR/engine" ]] || { echo 28.2.2; exit 0; }
echo "Cannot connect to the Docker daemon. '"$([[ "$1" != foreign ]] || echo permission denied)"'" >&2
exit 1'
  [[ "$1" != stopped ]] || fake service '
[[ "$2" == start ]] || { echo "Docker is not running ... failed!"; exit 3; }
echo "$*" >>"$STUB_DIR/service"
for fd in 8 9; do [[ ! -e "/dev/fd/$fd" ]] || echo "descriptor $fd" >>"$STUB_DIR/service"; done
[[ -e "$STUB_DIR/engine-is-broken" ]] || touch "$STUB_DIR/engine"'
}

@test "auto without Docker: Firejail and Bubblewrap are installed, and the one that passes is told" {
  no_docker
  judge bubblewrap
  step check sandbox
  [[ "$status" == 40 ]]
  step apply sandbox
  [[ "$status" == 0 ]]
  grep -q "install --no-upgrade --no-install-recommends bubblewrap firejail$" "$STUB_DIR/apt"
  step check sandbox
  [[ "$status" == 0 && "$output" == "bubblewrap firejail" ]]
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == "@set sandbox bubblewrap"$'\n'"bubblewrap contains what it must" ]]
}

@test "auto with a running engine: nothing is installed, only the step builds images, and Docker is what is used" {
  engine running
  judge docker
  step check sandbox
  [[ "$status" == 0 && "$output" == docker ]]
  step check sandbox_proof
  [[ "$status" == 40 && ! -e "$STUB_DIR/images" ]]
  step apply sandbox_proof
  [[ "$status" == 0 ]]
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@set sandbox docker"* && "$output" != *@fallback* ]]
  [[ ! -e "$STUB_DIR/apt" ]]
}

@test "auto with a running engine, where Firejail is installed as well: Docker's images are built all the same" {
  engine running
  judge docker firejail
  fake firejail true
  step check sandbox_proof
  [[ "$status" == 1 && "$output" == *"images for Docker are not built yet"* && ! -e "$STUB_DIR/images" ]]
  step apply sandbox_proof
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@set sandbox docker"* ]]
}

@test "auto, Docker fails its proof: the others are installed, the reason is told, and later runs do not try again" {
  engine running
  judge firejail
  step check sandbox_proof
  [[ "$status" == 40 ]]
  step apply sandbox_proof
  [[ "$status" == 0 && "$output" == *"Docker is left aside: its reason (SANDBOX_MODE=docker tries again)"* ]]
  grep -q "install .* bubblewrap firejail$" "$STUB_DIR/apt"
  rm "$STUB_DIR/doctor"
  step check sandbox
  [[ "$status" == 0 && "$output" == "bubblewrap firejail" ]]
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@fallback firejail instead of Docker: its reason"*"@set sandbox firejail"* ]]
  [[ "$(<"$STUB_DIR/doctor")" == "auto 0" ]]
  # until the machine has been started anew
  sed -i 's/^[^ ]*/another-boot/' "$STATE_DIR/docker-refused"
  step check sandbox_proof
  [[ "$status" == 1 ]]
}

@test "auto with a stopped engine: the step starts it, without the run's descriptors; a check starts nothing" {
  engine stopped
  step check sandbox
  [[ "$status" == 40 && "$output" == *"the Docker engine is installed and stopped"* && ! -e "$STUB_DIR/service" ]]
  fake bwrap true # with another at hand it is still started
  step check sandbox
  [[ "$status" == 1 && "$output" == *"the Docker engine is installed and stopped"* && ! -e "$STUB_DIR/service" ]]
  rm "$TEST_DIR/bin/bwrap"
  exec 8>"$TEST_DIR/8" 9>"$TEST_DIR/9"
  step apply sandbox
  exec 8>&- 9>&-
  [[ "$status" == 0 && "$(<"$STUB_DIR/service")" == "docker start" && ! -e "$STUB_DIR/apt" ]]
  step check sandbox
  [[ "$status" == 0 && "$output" == docker ]]
}

@test "auto with an engine that does not start: the packages take its place, and it is not started again and again" {
  engine stopped
  touch "$STUB_DIR/engine-is-broken"
  judge firejail
  step apply sandbox
  [[ "$status" == 0 && "$(<"$STUB_DIR/apt")" == *" bubblewrap firejail" ]]
  step check sandbox
  [[ "$status" == 0 && "$output" == "bubblewrap firejail" ]]
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@fallback firejail instead of Docker: the engine cannot be started (Cannot connect"* ]]
  [[ "$(wc -l <"$STUB_DIR/service")" == 1 ]]
  # somebody else has started it: then it counts again
  touch "$STUB_DIR/engine"
  step check sandbox
  [[ "$status" == 0 && "$output" == "docker bubblewrap firejail" ]]
}

@test "auto with an engine that this user may not use, or may not start: it is left alone, and the reason is told" {
  engine stopped
  engine foreign # whatever the service manager says
  judge bubblewrap
  fake bwrap true
  step check sandbox
  [[ "$status" == 0 && "$output" == bubblewrap ]]
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@fallback bubblewrap instead of Docker: "*"permission denied"* ]]
  engine stopped
  load_harness
  if docker_answers; then false; fi
  docker_can_be_started
  DOCKER_HOST=unix:///elsewhere run docker_can_be_started
  [[ "$status" != 0 ]]
  have_root() { return 1; }
  run docker_can_be_started
  [[ "$status" != 0 ]]
}

@test "which command starts the engine: systemd's where it runs and knows Docker, else service, else none" {
  load_harness
  [[ -z "$(docker_starter)" ]]
  fake service 'echo "docker: unrecognized service" >&2; exit 1'
  [[ -z "$(docker_starter)" ]]
  fake service 'echo "Docker is not running ... failed!"; exit 3'
  [[ "$(docker_starter)" == "service docker start" ]]
  fake systemctl 'echo not-found'
  [[ "$(docker_starter)" == "service docker start" ]]
  fake systemctl 'echo loaded'
  [[ "$(docker_starter)" == "systemctl start docker" ]]
}

@test "SANDBOX_MODE=docker: never installed, but said how to; a stopped engine is started" {
  export SANDBOX_MODE=docker
  no_docker
  step check sandbox
  [[ "$status" == 40 ]]
  step apply sandbox
  [[ "$status" == 40 && "$output" == *"docker is not installed"*"install Docker yourself"*"docker.io"* && ! -e "$STUB_DIR/apt" ]]
  engine stopped
  step apply sandbox
  [[ "$status" == 0 ]]
  step check sandbox
  [[ "$status" == 0 && "$output" == docker ]]
  judge docker
  step apply sandbox_proof
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@set sandbox docker"* ]]
  diff - "$STUB_DIR/doctor" <<'CALLS'
docker may build
docker 0
CALLS
}

@test "SANDBOX_MODE=docker: an engine that fails its proof is exit code 40, and nothing takes its place" {
  engine running
  judge firejail
  fake firejail true
  export SANDBOX_MODE=docker
  step check sandbox_proof
  [[ "$status" == 40 ]]
  step apply sandbox_proof
  [[ "$status" == 40 && ! -e "$STUB_DIR/apt" ]]
}

@test "one launcher by name is installed alone, and where it fails nothing takes its place" {
  export SANDBOX_MODE=bubblewrap
  judge firejail
  step apply sandbox
  [[ "$status" == 0 && "$(<"$STUB_DIR/apt")" == *"--no-install-recommends bubblewrap" ]]
  step check sandbox_proof
  [[ "$status" == 40 ]]
  step apply sandbox_proof
  [[ "$status" == 40 && "$output" == *"none passes its self-test"* ]]
}

@test "in auto a second launcher is installed where the first does not pass" {
  no_docker
  fake firejail true
  all_packages bubblewrap
  judge bubblewrap
  step check sandbox
  [[ "$status" == 0 && "$output" == firejail ]]
  step apply sandbox_proof
  [[ "$status" == 0 && "$(<"$STUB_DIR/apt")" == *"--no-install-recommends bubblewrap" ]]
  step check sandbox_proof
  [[ "$status" == 0 && "$output" == *"@set sandbox bubblewrap"* ]]
}

@test "a judge that breaks is not a missing sandbox" {
  fake firejail true
  printf '#!/bin/sh\nexit 1\n' >"$VENV_DIR/bin/rusteval"
  chmod +x "$VENV_DIR/bin/rusteval"
  step check sandbox_proof
  [[ "$status" == 1 && "$output" == *"could not be run"* ]]
  step apply sandbox_proof
  [[ "$status" == 1 && ! -e "$STUB_DIR/apt" ]]
}

@test "SANDBOX_MODE=none without its confirmation is no sandbox; with it, a warning goes with the run" {
  export SANDBOX_MODE=none
  step check sandbox
  [[ "$status" == 40 && "$output" == *"needs ALLOW_UNSANDBOXED=YES"* ]]
  step apply sandbox
  [[ "$status" == 40 && "$output" == *"needs ALLOW_UNSANDBOXED=YES"* && ! -e "$STUB_DIR/apt" ]]
  export ALLOW_UNSANDBOXED=YES
  step check sandbox
  [[ "$status" == 0 && "$output" == *"@set sandbox none"*"@warning SANDBOX_MODE=none"* ]]
}

@test "a Firejail that runs its program without any jail is refused by the judge itself" {
  local rusteval="$PROJECT/.venv/bin/rusteval"
  export SANDBOX_MODE=firejail PATH="$TEST_DIR/bin:$ORIGINAL_PATH"
  export RUSTUP_HOME="${RUSTUP_HOME:-$ORIGINAL_HOME/.rustup}" CARGO_HOME="${CARGO_HOME:-$ORIGINAL_HOME/.cargo}"
  ln -s "$rusteval" "$VENV_DIR/bin/rusteval"
  all_packages ""
  # as the real one does inside another sandbox
  fake firejail '
for word; do
  case "$word" in
    --version) echo "firejail version 0.9.72"; exit 0 ;;
    --*) shift ;;
    *) exec "$@" ;;
  esac
done'
  step check sandbox_proof
  [[ "$status" == 40 ]]
  step apply sandbox_proof
  echo "$output"
  [[ "$status" == 40 && "$output" == *"firejail (firejail version 0.9.72) failed its self-test"*"network: within reach"* ]]
}

@test "gh is no part of the demo, and its absence from the system's packages is no failure" {
  load_harness
  have_root() { return 0; }
  fake apt-cache 'true'
  run cli_tools_check
  [[ "$status" == 0 && "$output" == *"no gh"* ]]
  fake apt-cache 'echo "gh | 2.4.0"'
  run cli_tools_check
  [[ "$status" == 1 ]]
  DEMO=1 run cli_tools_check
  [[ "$status" == 0 ]]
}

@test "gh: where it is not logged in, the step says how to, and never asks" {
  fake gh '[[ "$*" == "auth status" && -e "$STUB_DIR/login" ]]'
  step check cli_tools
  [[ "$status" == 0 && "$output" == *"gh (to log in: gh auth login)" ]]
  touch "$STUB_DIR/login"
  step check cli_tools
  [[ "$output" == *"gh is logged in" ]]
}
