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
  if [[ -n "$interpreter" ]]; then
    python_version "$interpreter"
  else
    printf '%s' "$PYTHON_VERSION"
  fi
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
  venv_has --closure -r "$REPO_DIR/requirements-vllm.lock"
  if [[ "$(venv_build torchaudio)" != "$(venv_build torch)" ]]; then
    emit_fact "torchaudio $(venv_build torchaudio) does not belong to PyTorch $(venv_build torch)"
    return 1
  fi
  emit_setting vllm "$(vllm_version)"
  emit_fact "vLLM $(vllm_version)"
}

# vllm_apply: a vLLM that does not work is removed again, so that nothing takes it up.
vllm_apply() {
  local reason
  reason="$(vllm_left_out)"
  [[ -z "$reason" ]] || die 20 "vLLM cannot be had: $reason"
  UV_REQUIRE_HASHES=1 uv_install_checked -r "$REPO_DIR/requirements-vllm.lock"
  vllm_add_torchaudio
  vllm_works || {
    "$VENV_DIR/bin/uv" pip uninstall --python "$VENV_DIR/bin/python" vllm
    echo "vLLM does not work on this machine and was removed again" >&2
    return 1
  }
}

# vllm_add_torchaudio: of the build that torch is of, from where torch came: another cannot be imported beside it.
vllm_add_torchaudio() {
  local build profile
  build="$(venv_build torch)"
  profile="$(torch_profile)"
  if [[ "$(venv_build torchaudio)" == "$build" ]] && venv_has "torchaudio==${build%%+*}"; then
    return 0
  fi
  if [[ "$build" == *"+$profile" ]]; then
    torch_from_index "$profile" --no-deps --reinstall-package=torchaudio "torchaudio==$build"
  else
    uv_install --no-deps --reinstall-package=torchaudio "torchaudio==${build%%+*}"
  fi
}

# vllm_works: one of its compiled kernels against PyTorch, and PyTorch's compiler, which it needs when it starts
# (a C compiler and Python's headers, too). An import alone does not show a wrong build.
vllm_works() {
  VLLM_NO_USAGE_STATS=1 VLLM_LOGGING_LEVEL=ERROR "$VENV_DIR/bin/python" - <<'PYTHON'
import sys

import torch
import vllm
import vllm._C
from vllm.platforms import current_platform

if not current_platform.is_cuda():
    sys.exit(f"vLLM {vllm.__version__} finds no CUDA device")
given = torch.randn(16, 128, device="cuda", dtype=torch.bfloat16)
found = torch.empty(16, 64, device="cuda", dtype=torch.bfloat16)
torch.ops._C.silu_and_mul(found, given)
expected = torch.nn.functional.silu(given[:, :64]) * given[:, 64:]
torch.testing.assert_close(found, expected, rtol=0.05, atol=0.01)
doubled = torch.compile(lambda values: values * 2)(found)
torch.testing.assert_close(doubled, found * 2)
print("vLLM", vllm.__version__, "computes on", torch.cuda.get_device_name())
PYTHON
}
