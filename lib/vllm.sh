# shellcheck shell=bash
# Step "vllm": the engine for graphics cards, from requirements-vllm.lock. Where it is not asked for by name, it is
# optional: without it transformers generates, several times slower.

# vllm_version: the version that the lock pins.
vllm_version() { sed -n 's/^vllm==\([^ ]*\).*/\1/p' "$REPO_DIR/requirements-vllm.lock"; }

# vllm_is_required: is it asked for by name, and to come from the virtual environment?
vllm_is_required() { [[ "$ENGINE" == vllm || ("$ENGINE" == vllm-server && -z "$VLLM_PYTHON") ]]; }

# vllm_obstacle: empty where vLLM can be installed on this machine, else why it cannot.
vllm_obstacle() {
  local torch python
  if [[ "$DEMO" == 1 ]]; then
    printf 'the demo uses no graphics card'
  elif [[ "$(torch_profile)" == cpu || -z "$GPU_NAME" ]]; then
    printf 'no graphics card in use'
  elif [[ "$(torch_profile)" != "$VLLM_PROFILE" ]]; then
    IFS='|' read -r _ torch _ < <(torch_row)
    printf 'the pinned vLLM is for %s, and PyTorch %s of %s is in use, for which there is no sound one' \
      "$VLLM_PROFILE" "$torch" "$(torch_profile)"
  else
    python="$(vllm_python_version)"
    [[ "$python" == "$VLLM_PYTHON_SERIES".* ]] ||
      printf 'its packages are for Python %s, and this is %s' "$VLLM_PYTHON_SERIES" "$python"
  fi
}

# vllm_python_version: of the virtual environment; before there is one, of the Python that it will have.
vllm_python_version() {
  local interpreter
  venv_python_version && return 0
  interpreter="$(python_find)"
  python_version "${interpreter:-none}" || printf '%s' "$PYTHON_VERSION"
}

# vllm_left_out: empty where vLLM is to be in the virtual environment, else why it is not.
vllm_left_out() {
  if [[ "$ENGINE" == transformers ]]; then
    printf 'ENGINE=transformers'
  elif [[ -n "$VLLM_PYTHON" ]]; then
    printf 'the server has an environment of its own, %s' "$VLLM_PYTHON"
  else
    vllm_obstacle
  fi
}

# vllm_check: version and files of every pinned package, and that all that they require is there and fits.
vllm_check() {
  local reason
  reason="$(vllm_left_out)"
  if [[ -n "$reason" ]]; then
    emit_fact "left out: $reason"
    if vllm_is_required; then return 1; fi
    return 0
  fi
  part_require vllm vLLM "$(vllm_is_required || echo transformers)"
  venv_has --closure -r "$REPO_DIR/requirements-vllm.lock" "torchaudio===$(venv_version torch)"
  emit_setting vllm "$(vllm_version)"
  emit_fact "vLLM $(vllm_version)"
}

# vllm_apply: a vLLM that does not work is removed again, so that nothing takes it up.
vllm_apply() {
  local reason
  reason="$(vllm_left_out)"
  [[ -z "$reason" ]] || die 20 "vLLM cannot be had: $reason"
  venv_protect
  part_try vllm vllm
}

# vllm_install: run by part_try.
vllm_install() {
  UV_REQUIRE_HASHES=1 uv_install_checked -r "$REPO_DIR/requirements-vllm.lock" && vllm_add_torchaudio && vllm_works
}

# vllm_add_torchaudio: of the build that torch is of, from where torch came: another cannot be imported beside it.
vllm_add_torchaudio() {
  local version
  local -a wanted
  version="$(venv_version torch)"
  wanted=(--no-deps --reinstall-package=torchaudio "torchaudio==$version")
  if venv_has "torchaudio===$version"; then return 0; fi
  if [[ "$version" == *+* ]]; then
    torch_from_index "$(torch_profile)" "${wanted[@]}"
  else
    uv_install "${wanted[@]}"
  fi
}

# vllm_works: one of its compiled kernels, and PyTorch's compiler, which it needs when it starts.
vllm_works() { "$VENV_DIR/bin/python" "$REPO_DIR/lib/proofs.py" vllm; }
