# shellcheck shell=bash
# The preflight: everything that can be known to go wrong, found before anything is changed, and told all at once.

# finding NAME MESSAGE FIX: something that stops the run. demotable_finding: SKIP_ENV_CHECK=1 makes it a warning.
finding() {
  PREFLIGHT_LINES+=("FAIL${SEP}$1${SEP}$2${SEP}$3")
  PREFLIGHT_FAILED+=("$1")
}

demotable_finding() { if [[ "$SKIP_ENV_CHECK" == 1 ]]; then preflight_warning "$1" "$2"; else finding "$@"; fi; }

# preflight_warning NAME MESSAGE [FIX]; passed NAME MESSAGE
preflight_warning() {
  PREFLIGHT_LINES+=("warn${SEP}$1${SEP}$2${SEP}${3:-}")
  PREFLIGHT_WARNINGS+=("$1: $2")
}

passed() { PREFLIGHT_LINES+=("ok${SEP}$1${SEP}$2${SEP}"); }

# preflight_run: run every check; results in PREFLIGHT_LINES, PREFLIGHT_FAILED, PREFLIGHT_WARNINGS. The network's answers
# come while the rest is looked at.
preflight_run() {
  local check
  SEP=$'\x1f' OPT_OUT="or set SKIP_ENV_CHECK=1 to leave the validated regime (the results will say so)"
  PREFLIGHT_LINES=() PREFLIGHT_FAILED=() PREFLIGHT_WARNINGS=()
  network_start
  mapfile -t PREFLIGHT_MISSING < <(system_packages_missing)
  network_apt_sources
  for check in os architecture gpu python engine disk executable memory privileges package_lock sandbox tmux lock network models; do
    "preflight_$check"
  done
}

# preflight_again: ask the network what could not be asked before curl was there; ends the run where that fails.
preflight_again() {
  local code=0
  PREFLIGHT_LINES=() PREFLIGHT_FAILED=()
  network_start
  preflight_network
  preflight_models
  preflight_show all || code=$?
  ((code == 0)) || die "$code" "this run cannot go on; so far only system packages were installed"
}

# preflight_show [all]: print the findings; with "all" also what is in order. Returns 0, 10, or 40 (sandbox alone).
preflight_show() {
  local line level name message fix
  for line in "${PREFLIGHT_LINES[@]}"; do
    IFS="$SEP" read -r level name message fix <<<"$line"
    case "$level" in
      FAIL) say "  FAIL  $name: $message" "$C_RED" ;;
      warn) say "  warn  $name: $message" "$C_YELLOW" ;;
      *) [[ -z "${1:-}" ]] || say "  ok    $name: $message" ;;
    esac
    [[ -z "$fix" ]] || say "        fix: $fix"
  done
  ((${#PREFLIGHT_FAILED[@]})) || return 0
  [[ "${PREFLIGHT_FAILED[*]}" != sandbox ]] || return 40
  return 10
}

preflight_os() {
  if [[ "$DEMO" == 0 && "$MACHINE_OS" != "$VALIDATED_OS" ]]; then
    demotable_finding os "this is $MACHINE_OS_NAME, not Ubuntu 22.04" "use Ubuntu 22.04, $OPT_OUT"
  elif [[ "$DEMO" == 1 && ! " $MACHINE_OS_LIKE " =~ \ (debian|ubuntu)\  ]]; then
    finding os "this is $MACHINE_OS_NAME, and --demo needs Debian or Ubuntu" "use such a machine or container"
  else
    passed os "$MACHINE_OS_NAME"
  fi
  command -v apt-get >/dev/null || finding apt "apt-get is missing" "use a Debian or Ubuntu system"
}

preflight_architecture() {
  if [[ "$MACHINE_ARCH" == "$VALIDATED_ARCH" ]]; then
    passed architecture "$MACHINE_ARCH"
  else
    finding architecture "the processor is $MACHINE_ARCH, not $VALIDATED_ARCH" "use a 64-bit Intel or AMD machine"
  fi
}

preflight_gpu() {
  [[ "$DEMO" == 0 ]] || return 0
  if [[ -n "$GPU_ERROR" ]]; then
    demotable_finding gpu "no usable NVIDIA graphics card: $GPU_ERROR" "use a machine with an H100 and its driver, $OPT_OUT"
    return 0
  elif [[ "$GPU_NAME" == *"$VALIDATED_GPU"* ]]; then
    passed gpu "$GPU_NAME"
  else
    demotable_finding gpu "the graphics card is $GPU_NAME, not an H100" "use a machine with an H100, $OPT_OUT"
  fi
  if [[ -n "$GPU_CUDA" ]] && version_ge "$GPU_CUDA" 12.4; then
    passed driver "driver $GPU_DRIVER with CUDA $GPU_CUDA"
  else
    demotable_finding driver "driver $GPU_DRIVER offers CUDA ${GPU_CUDA:-of an unknown version}, and 12.4 is needed" \
      "install a newer NVIDIA driver, $OPT_OUT"
  fi
}

# preflight_python: in the strict regime, a Python that is named must do for every package.
preflight_python() {
  local row package lowest
  regime_is_strict || return 0
  for row in "${ECOSYSTEM_TABLE[@]}"; do
    IFS='|' read -r package _ lowest _ <<<"$row"
    version_ge "$PYTHON_VERSION" "$lowest" ||
      finding python "PYTHON_VERSION=$PYTHON_VERSION is too old for $package, which needs $lowest" \
        "leave PYTHON_VERSION out (${OPTION_DEFAULT[PYTHON_VERSION]}), or set SKIP_ENV_CHECK=1 to leave that package out"
  done
}

# preflight_engine: an engine that is asked for by name must be one that can be had.
preflight_engine() {
  local reason
  if [[ -n "$VLLM_PYTHON" ]]; then
    if (cd / && "$VLLM_PYTHON" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("vllm"))') &>/dev/null </dev/null; then
      passed engine "vLLM of $VLLM_PYTHON"
    else
      finding engine "VLLM_PYTHON=$VLLM_PYTHON: this Python has no vllm" "install it there, or name the Python of another environment"
    fi
  elif vllm_is_required; then
    reason="$(vllm_obstacle)"
    [[ -n "$reason" ]] || passed engine "vLLM $(vllm_version)"
    [[ -z "$reason" ]] || finding engine "ENGINE=$ENGINE, and vLLM cannot be had: $reason" \
      "set ENGINE=auto (which then is transformers), or ENGINE=vllm-server with VLLM_PYTHON"
  fi
}

# preflight_disk: sum what each folder will take by file system, and compare with what is free there.
preflight_disk() {
  local -A need=() where=() first=()
  local system path gib free
  while IFS='|' read -r gib path; do
    [[ -w "$(existing_parent "$path")" ]] || finding disk "$path: nothing can be written there" \
      "set VENV_DIR, OUTPUT_DIR, XDG_STATE_HOME, DEMO_DIR, HF_HOME or TMPDIR to a folder that you can write to"
    system="$(file_system "$path")"
    need[$system]=$((${need[$system]:-0} + gib))
    where[$system]+="${where[$system]:+, }$path"
    first[$system]="$path"
  done < <(preflight_disk_needs)
  for system in "${!need[@]}"; do
    free="$(free_gib "${first[$system]}")"
    if ((free >= need[$system])); then
      passed disk "$free GiB free, ${need[$system]} GiB needed for ${where[$system]}"
    else
      finding disk "$free GiB free, but ${need[$system]} GiB are needed for ${where[$system]}" \
        "free some space, or point VENV_DIR, HF_HOME, OUTPUT_DIR or TMPDIR to a larger disk"
    fi
  done
}

# preflight_disk_needs: GIB|PATH lines. What is there already is not counted again.
preflight_disk_needs() {
  local venv=1
  [[ -f "$VENV_DIR/$VENV_MARKER" ]] || venv=12
  [[ -n "$(vllm_left_out)" ]] || compgen -G "$VENV_DIR/lib/python3*/site-packages/vllm" >/dev/null || venv=$((venv + 3))
  printf '%s|%s\n' "$venv" "$VENV_DIR"
  printf '1|%s\n1|%s\n0|%s\n' "${TMPDIR:-/tmp}" "$OUTPUT_DIR" "$STATE_DIR"
  [[ "$DEMO" == 0 ]] || printf '0|%s\n' "$DEMO_DIR"
  [[ "$DEMO" == 1 ]] || on_this_machine "$BASE_MODEL" || printf '20|%s\n' "${HF_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/huggingface}"
}

# preflight_executable: programs must be able to run where they are put.
preflight_executable() {
  local text="lies on a file system where no program may run (noexec)"
  ! is_noexec "$VENV_DIR" || finding disk "$VENV_DIR $text" "set VENV_DIR to a folder on another"
  ! is_noexec "${TMPDIR:-/tmp}" || preflight_warning disk \
    "${TMPDIR:-/tmp} $text: neither Python can be built there nor judged programs run" "set TMPDIR to a folder on another"
}

is_noexec() { [[ ",$(findmnt -n -o OPTIONS --target "$(existing_parent "$1")" 2>/dev/null || true)," == *,noexec,* ]]; }

preflight_memory() {
  local least=16
  [[ "$DEMO" == 0 ]] || least=3
  if version_ge "$MACHINE_RAM_GB" "$least"; then
    passed memory "$MACHINE_RAM_GB GiB"
  else
    finding memory "$MACHINE_RAM_GB GiB of memory, and $least are needed" "use a larger machine"
  fi
}

# preflight_privileges: root rights matter only where something is missing.
preflight_privileges() {
  local missing="${PREFLIGHT_MISSING[*]}"
  if [[ -z "$missing" ]]; then
    passed privileges "all system packages are installed"
  elif have_root; then
    passed privileges "${#PREFLIGHT_MISSING[@]} system packages can be installed"
  else
    finding privileges "system packages are missing ($missing), and this user can use neither root nor passwordless sudo" \
      "run: sudo apt-get install --no-install-recommends $missing"
  fi
}

# preflight_package_lock: another package manager at work is waited for, so it is no more than a warning.
preflight_package_lock() {
  local file pid
  ((${#PREFLIGHT_MISSING[@]})) || return 0
  for file in "${DPKG_ADMINDIR:-/var/lib/dpkg}"/lock{-frontend,} /var/lib/apt/lists/lock /var/cache/apt/archives/lock; do
    pid="$(lock_holder "$file")"
    [[ -n "$pid" ]] || continue
    preflight_warning packages "another package manager is at work (process $pid: $(process_command "$pid")); the run waits for it up to 10 minutes"
    return 0
  done
}

# lock_holder FILE: the process that has locked it; empty where none has. No right to open the file is needed.
lock_holder() {
  local inode
  inode="$(stat -c %i -- "$1" 2>/dev/null)" || return 0
  awk -v inode="$inode" '$4 == "WRITE" && $6 ~ (":" inode "$") {print $5; exit}' /proc/locks
}

process_command() { { tr '[:cntrl:]' ' ' <"/proc/$1/cmdline" || true; } 2>/dev/null | cut -c1-60; }

# preflight_sandbox: what generated code can run in. Docker is used where it is, and never installed.
preflight_sandbox() {
  local name found=""
  if [[ "$SANDBOX_MODE" == none ]]; then
    preflight_no_sandbox
    return
  elif [[ "$SANDBOX_MODE" == docker ]] || docker_has_a_chance; then
    if docker_answers; then
      found="the Docker engine answers (version $DOCKER_SAID)"
    elif docker_can_be_started; then
      found="the Docker engine can be started"
    fi
  fi
  while [[ "$SANDBOX_MODE" != docker ]] && read -r name; do
    if command -v "$(sandbox_command "$name")" >/dev/null; then
      found+="${found:+, }$name is installed"
    elif have_root; then
      found+="${found:+, }$name can be installed"
    fi
  done < <(sandbox_wanted)
  if [[ -n "$found" ]]; then
    passed sandbox "$found"
  elif [[ "$SANDBOX_MODE" == docker ]]; then
    finding sandbox "SANDBOX_MODE=docker, and Docker cannot be used: $DOCKER_SAID" \
      "install it (this program never does), start it, add this user to the group docker, or set SANDBOX_MODE=auto"
  else
    finding sandbox "no sandbox of SANDBOX_MODE=$SANDBOX_MODE is installed, and this user cannot install one" \
      "run: sudo apt-get install --no-install-recommends $(sandbox_wanted | paste -sd ' ')"
  fi
}

# preflight_no_sandbox: that must be confirmed: now, or by a person before the first change.
preflight_no_sandbox() {
  local text="SANDBOX_MODE=none: generated code will run without isolation"
  if [[ "$ALLOW_UNSANDBOXED" == YES || "$INTERACTIVE" == 1 ]]; then
    preflight_warning sandbox "$text$([[ "$ALLOW_UNSANDBOXED" == YES ]] || echo '; a run will ask you to confirm that')"
  else
    finding sandbox "$text, and that is not confirmed" "set ALLOW_UNSANDBOXED=YES as well, or SANDBOX_MODE=auto"
  fi
}

# preflight_tmux: where the evaluation will run, and what becomes of a session that is there already.
preflight_tmux() {
  local there="the session $TMUX_SESSION is there already"
  if [[ "$DEMO" == 1 || "${FOREGROUND:-0}" == 1 ]]; then
    return 0
  elif ! command -v tmux >/dev/null; then
    ! have_root || passed tmux "can be installed"
    have_root || preflight_warning tmux "not installed, so the evaluation will run in this terminal and end with it"
  elif [[ ! -d "${TMUX_TMPDIR:-/tmp}/tmux-$EUID" ]] || ! tmux_session_exists; then # even a look makes tmux's folder
    passed tmux "there, and no session $TMUX_SESSION"
  elif [[ "$NONINTERACTIVE" == 1 ]]; then
    preflight_warning tmux "$there, and a run will replace it (NONINTERACTIVE=1)" "to keep it, wait until it has ended"
  elif [[ "$INTERACTIVE" == 1 ]]; then
    preflight_warning tmux "$there; a run will ask whether to replace it"
  else
    preflight_warning tmux "$there, so a run without a terminal will leave it and end" "set NONINTERACTIVE=1 to replace it"
  fi
}

# preflight_lock: a run finds out by itself whether it is alone; the other modes say so.
preflight_lock() {
  if [[ "${MODE:-run}" == run ]] || lock_wait 0; then return 0; fi
  lock_read
  preflight_warning lock "another run is at work ($HOLDER_TEXT); a second one would end with exit code 75" \
    "wait until it has finished, or stop it with: $SETUP_COMMAND --stop"
}
