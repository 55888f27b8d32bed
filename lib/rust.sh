# shellcheck shell=bash
# Step "rust": rustc with Clippy. An existing toolchain that is new enough is used as it is.

# rust_path: PATH with cargo's folder first, so that a toolchain that a login shell would find is found here as well.
rust_path() { printf '%s' "${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"; }

# rust_version_with TOOLCHAIN: rustc's version with TOOLCHAIN ("" is the default one), if Clippy is there as well.
# Asked in /, where no rust-toolchain file of the user's folder is in force.
rust_version_with() (
  [[ -z "$1" ]] || export RUSTUP_TOOLCHAIN="$1"
  PATH="$(rust_path)"
  export RUSTUP_AUTO_INSTALL=0
  cd /
  clippy-driver --version >/dev/null || return 1
  rustc --version | sed -n 's/^rustc \([0-9.]*\).*/\1/p'
)

# rust_toolchain: "default", or the pinned toolchain where the default is missing, too old or without Clippy; fails if neither.
rust_toolchain() {
  local version
  version="$(rust_version_with "" 2>/dev/null)" || version=""
  if [[ -n "$version" ]] && version_ge "$version" "$RUST_MINIMUM"; then
    printf 'default %s\n' "$version"
    return 0
  fi
  version="$(rust_version_with "$RUST_TOOLCHAIN_PIN" 2>/dev/null)" || return 1
  [[ "$version" == "$RUST_TOOLCHAIN_PIN" ]] || return 1
  printf '%s %s\n' "$RUST_TOOLCHAIN_PIN" "$version"
}

rust_check() {
  local toolchain version
  read -r toolchain version < <(rust_toolchain) || {
    emit_fact "no rustc from $RUST_MINIMUM on with Clippy"
    return 1
  }
  emit_setting rustc "$version"
  emit_fact "rustc $version with Clippy (toolchain: $toolchain)"
}

rust_apply() {
  local installer folder rustup="${RUSTUP_HOME:-$HOME/.rustup}"
  for folder in "$rustup" "${CARGO_HOME:-$HOME/.cargo}" "$rustup/toolchains/$RUST_TOOLCHAIN_PIN-x86_64-unknown-linux-gnu"; do
    [[ -e "$folder" ]] || made folder "$folder"
  done
  if PATH="$(rust_path)" command -v rustup >/dev/null; then
    PATH="$(rust_path)" rustup toolchain install "$RUST_TOOLCHAIN_PIN" --profile minimal --component clippy --no-self-update
    return 0
  fi
  installer="$STATE_DIR/downloads/rustup-init"
  fetch "$RUSTUP_URL" "$RUSTUP_SHA256" "$installer"
  chmod 700 "$installer"
  # An older rustc outside of rustup may be on the PATH; rustup goes beside it.
  RUSTUP_INIT_SKIP_PATH_CHECK=yes "$installer" -y --no-modify-path --profile minimal \
    --default-toolchain "$RUST_TOOLCHAIN_PIN" --component clippy
  rm -f -- "$installer"
}
