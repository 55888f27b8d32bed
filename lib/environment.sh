# shellcheck shell=bash
# Facts about the machine: operating system, graphics card, driver. Reads only.

# version_ge A B: is A (numbers with dots) at least B?
version_ge() {
  local -a a b
  local i
  IFS=. read -r -a a <<<"$1"
  IFS=. read -r -a b <<<"$2"
  for ((i = 0; i < ${#a[@]} || i < ${#b[@]}; i++)); do
    ((10#${a[i]:-0} == 10#${b[i]:-0})) || {
      ((10#${a[i]:-0} > 10#${b[i]:-0}))
      return
    }
  done
}

# os_release_field FILE FIELD: a field of an os-release file, without sourcing it.
os_release_field() {
  local line
  while IFS= read -r line || [[ -n "$line" ]]; do
    if [[ "$line" == "$2="* ]]; then
      line="${line#*=}"
      line="${line#[\"\']}"
      printf '%s' "${line%[\"\']}"
      return 0
    fi
  done <"$1"
}

# cuda_from_banner: the CUDA version in nvidia-smi's banner (standard input); drivers from 610 on say "CUDA UMD Version".
cuda_from_banner() {
  local text
  text="$(cat)"
  if [[ "$text" =~ CUDA( UMD)?\ Version:\ *([0-9]+\.[0-9]+) ]]; then
    printf '%s' "${BASH_REMATCH[2]}"
  fi
}

# environment_detect: export MACHINE_* (OS, kernel, architecture, processor, memory) and GPU_* (name, driver, CUDA).
environment_detect() {
  local release="${RUSTEVAL_OS_RELEASE:-/etc/os-release}" banner line
  MACHINE_OS="unknown" MACHINE_OS_NAME="an unknown system" MACHINE_OS_LIKE=""
  if [[ -r "$release" ]]; then
    MACHINE_OS="$(os_release_field "$release" ID) $(os_release_field "$release" VERSION_ID)"
    MACHINE_OS_NAME="$(os_release_field "$release" PRETTY_NAME)"
    MACHINE_OS_LIKE="$(os_release_field "$release" ID) $(os_release_field "$release" ID_LIKE)"
  fi
  MACHINE_KERNEL="$(uname -r)" MACHINE_ARCH="$(uname -m)"
  MACHINE_CPU="$(sed -n 's/^model name[^:]*: //p;T;q' /proc/cpuinfo)"
  MACHINE_RAM_GB="$(awk '/^MemTotal:/ {printf "%.1f", $2 / 1048576}' "${RUSTEVAL_MEMINFO:-/proc/meminfo}")"
  GPU_NAME="" GPU_DRIVER="" GPU_CUDA="" GPU_ERROR=""
  if ! command -v nvidia-smi >/dev/null; then
    GPU_ERROR="nvidia-smi is not installed"
  elif ! banner="$(timeout 20 nvidia-smi 2>&1 </dev/null)"; then
    GPU_ERROR="nvidia-smi fails: ${banner%%$'\n'*}"
  else
    GPU_CUDA="$(cuda_from_banner <<<"$banner")"
    line="$(timeout 20 nvidia-smi --query-gpu=name,driver_version --format=csv,noheader </dev/null)" || line=""
    line="${line%%$'\n'*}"
    GPU_NAME="${line%%, *}" GPU_DRIVER="${line##*, }"
    [[ -n "$GPU_NAME" ]] || GPU_ERROR="nvidia-smi lists no graphics card"
  fi
  export MACHINE_OS MACHINE_OS_NAME MACHINE_OS_LIKE MACHINE_KERNEL MACHINE_ARCH MACHINE_CPU MACHINE_RAM_GB
  export GPU_NAME GPU_DRIVER GPU_CUDA GPU_ERROR
}

# regime_is_strict: does this run insist on the machine and the versions that the results are validated on?
regime_is_strict() { [[ "$DEMO" == 0 && "$SKIP_ENV_CHECK" == 0 ]]; }

# regime_is_validated: does it, and with no option that leads elsewhere?
regime_is_validated() {
  regime_is_strict && [[ "$PYTHON_VERSION" == "${OPTION_DEFAULT[PYTHON_VERSION]}" && "$(torch_profile)" != cpu ]]
}

# torch_profile: which row of TORCH_TABLE this run uses.
torch_profile() {
  local row floor profile
  if [[ "$TORCH_PROFILE" != auto ]]; then
    printf '%s' "$TORCH_PROFILE"
  elif [[ "$DEMO" == 1 || -z "$GPU_NAME" || -z "$GPU_CUDA" ]]; then
    printf 'cpu'
  else
    for row in "${TORCH_TABLE[@]}"; do
      IFS='|' read -r floor profile _ <<<"$row"
      if version_ge "$GPU_CUDA" "$floor"; then
        printf '%s' "$profile"
        return 0
      fi
    done
  fi
}

# torch_row: the fields of the row in use, from the profile on, separated by |.
torch_row() {
  local row wanted
  wanted="$(torch_profile)"
  for row in "${TORCH_TABLE[@]}"; do
    row="${row#*|}"
    if [[ "${row%%|*}" == "$wanted" ]]; then
      printf '%s\n' "$row"
      return 0
    fi
  done
}

# existing_parent PATH: the nearest folder on the way to PATH that exists.
existing_parent() {
  local path="$1"
  until [[ -d "$path" ]]; do path="$(dirname -- "$path")"; done
  printf '%s' "$path"
}

# free_gib PATH: free space, in whole GiB, on the file system where PATH lies or would lie.
free_gib() { df -Pk -- "$(existing_parent "$1")" | awk 'NR == 2 {print int($4 / 1048576)}'; }

# file_system PATH: a name for the file system where PATH lies or would lie.
file_system() { stat -c %d -- "$(existing_parent "$1")"; }
