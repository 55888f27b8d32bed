# shellcheck shell=bash
# Steps "torch" (the build that fits the driver) and "flash_attn" (optional, prebuilt wheels only).

# torch_check: version and files of PyTorch and all that it requires. That it computes is proved when it is installed
# (an import takes seconds), by --doctor, and by the evaluation itself.
torch_check() {
  local profile torch build
  IFS='|' read -r profile torch _ < <(torch_row)
  venv_has --closure "torch==$torch"
  build="$(venv_build torch)"
  emit_setting torch "$build"
  emit_setting torch_profile "$profile"
  if [[ "$build" != *"+$profile" ]]; then
    emit_fallback "build $build from the ordinary package registry"
    emit_warning "PyTorch $build from the ordinary package registry stands in for $torch+$profile"
  fi
  emit_fact "$build for $profile"
}

# torch_works: a product on the device that the profile is for.
torch_works() {
  "$VENV_DIR/bin/python" - "$(torch_profile)" <<'PYTHON'
import sys

import torch

device = "cpu" if sys.argv[1] == "cpu" else "cuda"
if device == "cuda" and not torch.cuda.is_available():
    sys.exit(f"PyTorch {torch.__version__} finds no CUDA device")
square = torch.randn(64, 64, device=device, dtype=torch.bfloat16)
assert torch.isfinite(square @ square).all()
print("PyTorch", torch.__version__, "computes on", device)
PYTHON
}

# torch_apply: the project's own build for the profile; where its index cannot serve it, the same version from the
# ordinary registry, said aloud (the check records it).
torch_apply() {
  local profile torch vision
  local -a repairs
  IFS='|' read -r profile torch vision _ < <(torch_row)
  mapfile -t repairs < <(venv_has --closure --repair "torch==$torch" | sed '/^$/d')
  if ! torch_from_index "$profile" "${repairs[@]}" "torch==$torch+$profile" ${vision:+"torchvision==$vision+$profile"}; then
    echo "the PyTorch index $TORCH_INDEX/$profile cannot serve torch $torch: taking it from the ordinary package registry"
    uv_install "${repairs[@]}" "torch==$torch" ${vision:+"torchvision==$vision"}
  fi
  torch_works
}

# torch_from_index PROFILE ARGUMENT...: the short question first, since an installer retries a dead host for minutes.
torch_from_index() {
  curl --silent --show-error --fail --location --output /dev/null --connect-timeout 10 --max-time 30 \
    "$TORCH_INDEX/$1/torch/" &&
    uv_install --index "$TORCH_INDEX/$1" --index-strategy unsafe-best-match "${@:2}"
}

# flash_attn_use: empty where FlashAttention is to be used, else why it is not.
flash_attn_use() {
  if [[ "$FLASH_ATTN" == off ]]; then
    printf 'FLASH_ATTN=off'
  elif [[ "$(torch_profile)" == cpu ]]; then
    printf 'no graphics card in use'
  elif ! "$VENV_DIR/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))'; then
    printf 'its wheels are for Python 3.12'
  fi
}

flash_attn_check() {
  local reason
  reason="$(flash_attn_use)"
  if [[ -n "$reason" ]]; then
    emit_setting attention sdpa
    emit_fact "left out ($reason); attention is PyTorch's own"
    return 0
  fi
  emit_setting attention sdpa
  flash_attn_works || {
    emit_fact "not installed"
    return 1
  }
  emit_setting attention fa2
  emit_fact "FlashAttention 2 computes on the graphics card"
}

# flash_attn_works: a small forward pass on the card; an import alone does not show a wrong build.
flash_attn_works() {
  "$VENV_DIR/bin/python" -c '
import torch
from flash_attn import flash_attn_func
q = torch.randn(1, 16, 2, 64, device="cuda", dtype=torch.bfloat16)
assert torch.isfinite(flash_attn_func(q, q, q, causal=True)).all()' >&2
}

flash_attn_apply() {
  local version torch abi digest name wheel
  IFS='|' read -r _ _ _ version torch abi digest < <(torch_row)
  name="flash_attn-$version+cu12torch${torch}cxx11abi$abi-cp312-cp312-linux_x86_64.whl"
  wheel="$STATE_DIR/downloads/$name"
  fetch "$FLASH_ATTN_RELEASES/v$version/${name/+/%2B}" "$digest" "$wheel"
  uv_install --no-deps "$wheel"
  rm -f -- "$wheel"
  flash_attn_works || {
    "$VENV_DIR/bin/uv" pip uninstall --python "$VENV_DIR/bin/python" flash-attn
    echo "the wheel does not work on this machine and was removed again" >&2
    return 1
  }
}
