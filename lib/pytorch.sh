# shellcheck shell=bash
# Steps "torch" (the build that fits the driver) and "flash_attn" (optional, prebuilt wheels only).

# torch_check: version, build and files of PyTorch and all that it requires. That it computes is proved when it is
# installed (an import takes seconds), by --doctor, and by the evaluation itself.
torch_check() {
  local profile torch build version
  IFS='|' read -r profile torch _ < <(torch_row)
  venv_has --closure "torch==$torch"
  version="$(venv_version torch)"
  build="$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$VENV_DIR"/lib/python3*/site-packages/torch/version.py)"
  if [[ ("$version" == *+* && "$version" != *"+$profile") || ! -f "$VENV_DIR/constraints.txt" || ! -f "$VENV_DIR/pip.conf" ]]; then
    emit_fact "PyTorch $version is there, and is to be $torch+$profile and kept by constraints"
    return 1
  fi
  emit_setting torch "$build"
  emit_setting torch_profile "$profile"
  if [[ "$version" != *+* ]]; then
    emit_fallback "build $build from the ordinary package registry"
    emit_warning "PyTorch $build from the ordinary package registry stands in for $torch+$profile"
  fi
  emit_fact "$build for $profile"
}

# torch_works: a product on the device that the profile is for.
torch_works() { "$VENV_DIR/bin/python" "$REPO_DIR/lib/proofs.py" torch "$(torch_profile)"; }

# torch_apply: the project's own build for the profile; where its index cannot serve it, or not all of it, the same
# version from the ordinary registry, said aloud (the check records it).
torch_apply() {
  local profile torch vision index
  local -a repairs
  IFS='|' read -r profile torch vision _ < <(torch_row)
  index="$(sed -E 's#://[^/@]*@#://***@#' <<<"$TORCH_INDEX/$profile")"
  rm -f -- "$VENV_DIR/constraints.txt" "$VENV_DIR/pip.conf" # they hold what may have to go
  case "$(venv_version torch)" in
    "" | "$torch" | "$torch+$profile") ;;
    *) uv_remove torch torchvision torchaudio flash-attn vllm ;; # what was built for one PyTorch breaks beside another
  esac
  mapfile -t repairs < <(venv_has --closure --repair "torch==$torch" | sed '/^$/d')
  if ! torch_from_index "$profile" "${repairs[@]}" "torch==$torch+$profile" ${vision:+"torchvision==$vision+$profile"}; then
    echo "the PyTorch index $index cannot serve torch $torch: taking it from the ordinary package registry"
    uv_install "${repairs[@]}" "torch==$torch" ${vision:+"torchvision==$vision"} ||
      die 20 "neither the PyTorch index $index nor the ordinary package registry can serve torch $torch: check the network, or set TORCH_INDEX to a mirror"
  fi
  torch_works
  venv_protect
}

# torch_from_index PROFILE ARGUMENT...: the short question first, since an installer retries a dead host for minutes.
torch_from_index() { answers "$TORCH_INDEX/$1/torch/" && RUSTEVAL_INDEX="$TORCH_INDEX/$1" uv_install "${@:2}"; }

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
  emit_setting attention sdpa
  reason="$(flash_attn_use)"
  if [[ -n "$reason" ]]; then
    emit_fact "left out ($reason); attention is PyTorch's own"
    return 0
  fi
  part_require flash_attn "FlashAttention 2" sdpa
  venv_has "flash-attn==$(torch_row | cut -d'|' -f4)"
  emit_setting attention fa2
  emit_fact "FlashAttention 2, which computed on the graphics card when it was installed"
}

# flash_attn_works: a small forward pass on the card.
flash_attn_works() { "$VENV_DIR/bin/python" "$REPO_DIR/lib/proofs.py" flash_attn; }

# flash_attn_apply: that it does not work is no failure: the check then says that attention is PyTorch's own, and why.
flash_attn_apply() { part_try flash_attn flash-attn || true; }

# flash_attn_install: the prebuilt wheel of the row; run by part_try.
flash_attn_install() {
  local version torch abi digest name wheel
  IFS='|' read -r _ _ _ version torch abi digest < <(torch_row)
  name="flash_attn-$version+cu12torch${torch}cxx11abi$abi-cp312-cp312-linux_x86_64.whl"
  wheel="$STATE_DIR/downloads/$name"
  fetch "$FLASH_ATTN_RELEASES/v$version/${name/+/%2B}" "$digest" "$wheel" &&
    uv_install --no-deps "$wheel" && rm -f -- "$wheel" && flash_attn_works
}
