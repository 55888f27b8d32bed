# shellcheck shell=bash
# The preflight: everything that can be known to go wrong, found before anything is changed, and told all at once.

# finding NAME MESSAGE FIX: something that stops the run. demotable_finding: SKIP_ENV_CHECK=1 makes it a warning.
finding() {
  PREFLIGHT_LINES+=("FAIL${SEP}$1${SEP}$2${SEP}$3")
  PREFLIGHT_FAILED+=("$1")
}

demotable_finding() {
  if [[ "$SKIP_ENV_CHECK" == 1 ]]; then
    preflight_warning "$1" "$2"
  else
    finding "$@"
  fi
}

preflight_warning() {
  PREFLIGHT_LINES+=("warn${SEP}$1${SEP}$2${SEP}")
  PREFLIGHT_WARNINGS+=("$1: $2")
}

passed() { PREFLIGHT_LINES+=("ok${SEP}$1${SEP}$2${SEP}"); }

# preflight_run: run every check; results in PREFLIGHT_LINES, PREFLIGHT_FAILED, PREFLIGHT_WARNINGS.
preflight_run() {
  local check
  SEP=$'\x1f'
  PREFLIGHT_LINES=() PREFLIGHT_FAILED=() PREFLIGHT_WARNINGS=()
  for check in os architecture gpu engine disk memory privileges sandbox models; do
    "preflight_$check"
  done
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
  local text="this is ${MACHINE_OS_NAME}"
  if [[ "$DEMO" == 1 ]]; then
    if [[ " $MACHINE_OS_LIKE " == *" debian "* || " $MACHINE_OS_LIKE " == *" ubuntu "* ]]; then
      passed os "$MACHINE_OS_NAME"
    else
      finding os "$text, and --demo needs Debian or Ubuntu" "use such a machine or container"
    fi
  elif [[ "$MACHINE_OS" == "$VALIDATED_OS" ]]; then
    passed os "$MACHINE_OS_NAME"
  else
    demotable_finding os "$text, not Ubuntu 22.04" \
      "use Ubuntu 22.04, or set SKIP_ENV_CHECK=1 to leave the validated regime (the results will say so)"
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
  local opt_out="or set SKIP_ENV_CHECK=1 to leave the validated regime (the results will say so)"
  [[ "$DEMO" == 0 ]] || return 0
  if [[ -n "$GPU_ERROR" ]]; then
    demotable_finding gpu "no usable NVIDIA graphics card: $GPU_ERROR" "use a machine with an H100 and its driver, $opt_out"
    return 0
  fi
  if [[ "$GPU_NAME" == *"$VALIDATED_GPU"* ]]; then
    passed gpu "$GPU_NAME"
  else
    demotable_finding gpu "the graphics card is $GPU_NAME, not an H100" "use a machine with an H100, $opt_out"
  fi
  if [[ -n "$GPU_CUDA" ]] && version_ge "$GPU_CUDA" 12.4; then
    passed driver "driver $GPU_DRIVER with CUDA $GPU_CUDA"
  else
    demotable_finding driver "driver $GPU_DRIVER offers CUDA ${GPU_CUDA:-of an unknown version}, and 12.4 is needed" \
      "install a newer NVIDIA driver, $opt_out"
  fi
}

# preflight_engine: an engine that is asked for by name must be one that can be had.
preflight_engine() {
  local reason
  if [[ -n "$VLLM_PYTHON" ]]; then
    if (cd / && "$VLLM_PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("vllm") is None)') \
      >/dev/null 2>&1 </dev/null; then
      passed engine "vLLM of $VLLM_PYTHON"
    else
      finding engine "VLLM_PYTHON=$VLLM_PYTHON: this Python has no vllm" \
        "install it there, or name the Python of another environment"
    fi
  elif vllm_is_required; then
    reason="$(vllm_obstacle)"
    if [[ -z "$reason" ]]; then
      passed engine "vLLM $(vllm_version)"
    else
      finding engine "ENGINE=$ENGINE, and vLLM cannot be had: $reason" \
        "set ENGINE=auto (which then is transformers), or ENGINE=vllm-server with VLLM_PYTHON"
    fi
  fi
}

# preflight_disk: sum what each folder will take by file system, and compare with what is free there.
preflight_disk() {
  local -A need=() where=() first=()
  local system path gib free
  while IFS='|' read -r gib path; do
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
  if [[ -f "$VENV_DIR/$VENV_MARKER" ]]; then
    printf '1|%s\n' "$VENV_DIR"
  else
    printf '12|%s\n' "$VENV_DIR"
  fi
  if [[ -z "$(vllm_left_out)" ]] && ! compgen -G "$VENV_DIR/lib/python3*/site-packages/vllm" >/dev/null; then
    printf '3|%s\n' "$VENV_DIR"
  fi
  printf '1|%s\n1|%s\n' "${TMPDIR:-/tmp}" "$OUTPUT_DIR"
  if [[ "$DEMO" == 0 && "$BASE_MODEL" != /* && -z "$(hub_cached "$BASE_MODEL")" ]]; then
    printf '20|%s\n' "${HF_HOME:-$HOME/.cache/huggingface}"
  fi
}

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
  local -a missing=()
  mapfile -t missing < <(system_packages_missing)
  if ((${#missing[@]} == 0)); then
    passed privileges "all system packages are installed"
  elif have_root; then
    passed privileges "${#missing[@]} system packages can be installed"
  else
    finding privileges "system packages are missing (${missing[*]}), and this user can use neither root nor passwordless sudo" \
      "run: sudo apt-get install --no-install-recommends ${missing[*]}"
  fi
}

preflight_sandbox() {
  local tools
  if [[ "$SANDBOX_MODE" == none ]]; then
    preflight_warning sandbox "SANDBOX_MODE=none: generated code will run without isolation"
    return 0
  fi
  tools="$(sandbox_installed)"
  if [[ "$tools" == docker ]]; then
    preflight_docker
  elif [[ -n "$tools" ]]; then
    passed sandbox "${tools// / and } can be used"
  elif have_root; then
    passed sandbox "none is installed yet, but can be"
  else
    finding sandbox "no sandbox of SANDBOX_MODE=$SANDBOX_MODE is installed, and this user cannot install one" \
      "run: sudo apt-get install --no-install-recommends $(sandbox_wanted | while read -r tool; do
        printf '%s ' "$(sandbox_package "$tool")"
      done)"
  fi
}

# preflight_docker: a client alone is nothing: its engine must answer this user.
preflight_docker() {
  local said
  if said="$(timeout 20 docker version --format '{{.Server.Version}}' 2>&1 </dev/null)"; then
    passed sandbox "the Docker engine answers (version $said)"
  else
    finding sandbox "the Docker engine does not answer this user: ${said##*$'\n'}" \
      "start it (sudo systemctl start docker), add this user to the group docker, or set SANDBOX_MODE=auto"
  fi
}
