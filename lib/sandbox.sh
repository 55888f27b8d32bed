# shellcheck shell=bash
# Steps "sandbox" (something to contain generated code with is there) and "sandbox_proof" (it really contains: the
# judge's own self-test). Docker is used where it is and never installed; Firejail and Bubblewrap are packages.

# sandbox_command NAME: the program of a back end.
sandbox_command() { if [[ "$1" == bubblewrap ]]; then printf 'bwrap'; else printf '%s' "$1"; fi; }

# sandbox_wanted: the back ends of this mode that are taken as they are or, but for Docker, installed.
sandbox_wanted() {
  if [[ "$SANDBOX_MODE" == auto ]]; then printf '%s\n' "${SANDBOX_PACKAGES[@]}"; else printf '%s\n' "$SANDBOX_MODE"; fi
}

# sandbox_launchers: those of them, but for Docker, that are installed, separated by spaces.
sandbox_launchers() {
  local name names=""
  while read -r name; do
    [[ "$name" == docker ]] || ! command -v "$(sandbox_command "$name")" >/dev/null || names+="${names:+ }$name"
  done < <(sandbox_wanted)
  printf '%s' "$names"
}

# docker_answers: does an engine answer this user? DOCKER_SAID: its version, or why not.
docker_answers() {
  DOCKER_SAID="docker is not installed"
  command -v docker >/dev/null || return 1
  ! DOCKER_SAID="$(timeout 5 docker version --format '{{.Server.Version}}' 2>&1 </dev/null)" || return 0
  DOCKER_SAID="${DOCKER_SAID##*$'\n'}"
  DOCKER_SAID="${DOCKER_SAID:-the engine does not answer}"
  return 1
}

# docker_starter: the command that starts the engine; empty where no service manager here knows it.
docker_starter() {
  local said
  if [[ "$(timeout 5 systemctl show --property=LoadState --value docker.service 2>/dev/null)" == loaded ]]; then
    printf 'systemctl start docker'
  elif said="$(timeout 5 service docker status 2>&1)" || [[ "$?" == 3 || "$said" == *"not running"* ]]; then
    printf 'service docker start'
  fi
}

# docker_can_be_started: after docker_answers has said no: is it the system's own engine, stopped, and this user's to start?
docker_can_be_started() {
  [[ -z "${DOCKER_HOST:-}${DOCKER_CONTEXT:-}" && "$DOCKER_SAID" != *"permission denied"* ]] && command -v docker >/dev/null &&
    have_root && [[ -n "$(docker_starter)" ]]
}

# docker_start: start the engine, and wait until it answers. It outlives this run: so no descriptor 8 or 9 for it.
docker_start() {
  local tries starter
  starter="$(docker_starter)"
  echo "the Docker engine is installed and stopped; starting it: $starter"
  # shellcheck disable=SC2086  # words
  as_root $starter </dev/null 8>&- 9>&- || return 1
  for ((tries = 0; tries < ${RUSTEVAL_DOCKER_PATIENCE:-30}; tries++)); do
    ! docker_answers || return 0
    sleep 1
  done
  return 1
}

# docker_refuse stopped|answers REASON: in "auto", what has failed with an engine in this state is not tried again at
# every run until the machine is started anew; SANDBOX_MODE=docker tries again.
docker_refuse() {
  echo "Docker is left aside: $2 (SANDBOX_MODE=docker tries again)"
  printf '%s %s %s\n' "$(</proc/sys/kernel/random/boot_id)" "$1" "$2" >"$STATE_DIR/docker-refused"
}

# docker_refused: the reason of that; empty where there is none.
docker_refused() {
  local state=stopped
  ! docker_answers || state=answers
  sed -n "s/^$(</proc/sys/kernel/random/boot_id) $state //p" "$STATE_DIR/docker-refused" 2>/dev/null || true
}

# docker_has_a_chance: in "auto": Docker is there, and was not found unfit.
docker_has_a_chance() { [[ "$SANDBOX_MODE" == auto ]] && command -v docker >/dev/null && [[ -z "$(docker_refused)" ]]; }

sandbox_check() {
  local names
  if [[ "$SANDBOX_MODE" == none ]]; then
    [[ "$ALLOW_UNSANDBOXED" == YES ]] || { emit_fact "SANDBOX_MODE=none needs ALLOW_UNSANDBOXED=YES" && return 40; }
    emit_fact "switched off by SANDBOX_MODE=none"
    emit_setting sandbox none
    emit_warning "SANDBOX_MODE=none: generated code runs without isolation"
    return 0
  fi
  names="$(sandbox_launchers)"
  if [[ "$SANDBOX_MODE" == docker ]] || docker_has_a_chance; then
    if docker_answers; then
      names="docker${names:+ $names}"
    elif docker_can_be_started; then
      emit_fact "the Docker engine is installed and stopped"
      [[ -z "$names" ]] || return 1
      return 40
    fi
  fi
  emit_fact "${names:-none can be used yet}"
  [[ -n "$names" ]] || return 40
}

sandbox_apply() {
  [[ "$SANDBOX_MODE" != none ]] || die 40 "SANDBOX_MODE=none needs ALLOW_UNSANDBOXED=YES, or the word YES of a person who is asked"
  if [[ "$SANDBOX_MODE" == docker ]] || docker_has_a_chance; then
    if docker_answers || { docker_can_be_started && docker_start; }; then return 0; fi
    if [[ "$SANDBOX_MODE" == docker ]]; then
      echo "no Docker engine can be used ($DOCKER_SAID), and none is installed by this command: install Docker yourself" \
        "(sudo apt-get install docker.io), start it (sudo systemctl start docker), let this user use it (group docker)," \
        "or set SANDBOX_MODE=auto"
      return 40
    fi
    ! docker_can_be_started || docker_refuse stopped "the engine cannot be started ($DOCKER_SAID)"
  fi
  [[ -n "$(sandbox_launchers)" ]] || sandbox_install
}

# sandbox_install: the packages of this mode that are missing; 40 where none is, since then none has passed.
sandbox_install() {
  local -a missing=()
  mapfile -t missing < <(sandbox_wanted)
  mapfile -t missing < <(packages_missing "${missing[@]}")
  ((${#missing[@]} > 0)) || {
    echo "every sandbox of SANDBOX_MODE=$SANDBOX_MODE is installed, and none passes its self-test"
    return 40
  }
  apt_install "${missing[@]}"
}

# sandbox_doctor [MODE [OPTION]]: the judge's own self-test of the sandbox that this run will use; exit code 3: none passes.
sandbox_doctor() { PATH="$(rust_path)" "$VENV_DIR/bin/rusteval" doctor --sandbox-mode "${1:-$SANDBOX_MODE}" "${@:2}"; }

# docker_try: build Docker's images and test it; where that fails, the others take its place.
docker_try() {
  local said
  said="$(sandbox_doctor docker 2>&1 | tee -a /dev/stderr)" || {
    said="${said##*no acceptable sandbox: docker: }"
    said="${said##*$'\n'}"
    docker_refuse answers "${said%%. Install firejail or *}"
  }
}

# sandbox_proof_check: the self-test, or the memory of one that passed here since the machine was started, with the same
# tools; it builds nothing, since Docker's images are made by the step itself.
sandbox_proof_check() {
  local report name reason code=0
  [[ "$SANDBOX_MODE" != none ]] || { emit_fact "nothing to test: SANDBOX_MODE=none" && return 0; }
  report="$(RUSTEVAL_DOCKER_BUILD=0 sandbox_doctor "$SANDBOX_MODE" --remembered)" || code=$?
  case "$code" in
    0) name="${report##* }" ;;
    3) emit_fact "no sandbox passes it" && return 40 ;;
    *) emit_fact "it could not be run" && return "$code" ;;
  esac
  if [[ "$SANDBOX_MODE" == auto && "$name" != docker ]] && command -v docker >/dev/null; then
    reason="$(docker_refused)"
    if [[ -z "$reason" && "${RUSTEVAL_DOCKER_BUILD:-}" != 0 ]] && docker_answers; then
      emit_fact "the images for Docker are not built yet"
      return 1
    fi
    docker_answers || reason="${reason:-$DOCKER_SAID}"
    emit_fallback "$name instead of Docker: ${reason:-its images are not built, and RUSTEVAL_DOCKER_BUILD=0}"
  fi
  emit_setting sandbox "$name"
  emit_fact "$name contains what it must"
}

sandbox_proof_apply() {
  local code=0
  if docker_has_a_chance && docker_answers; then docker_try; fi
  sandbox_doctor || code=$?
  case "$SANDBOX_MODE:$code" in
    *:0) ;;
    docker:3) return 40 ;;
    *:3) sandbox_install ;; # one that is not installed yet may pass
    *) return "$code" ;;
  esac
}
