#!/usr/bin/env bats
load ../helper

setup() {
  isolate
  load_harness
}

@test "versions are compared as numbers" {
  version_ge 12.10 12.9
  version_ge 13.0 12.8
  version_ge 1.75 1.75.0
  version_ge 3.12.10 3.12.9
  run ! version_ge 12.4 12.8
  run ! version_ge 1.9.9 1.75.0
  run ! version_ge 9.5 16
}

@test "both spellings of the CUDA version are read" {
  [[ "$(cuda_from_banner <"$FIXTURES/nvidia-smi-550-h100.txt")" == 12.4 ]]
  [[ "$(cuda_from_banner <"$FIXTURES/nvidia-smi-570-h100.txt")" == 12.8 ]]
  [[ "$(cuda_from_banner <"$FIXTURES/nvidia-smi-610-h100.txt")" == 13.3 ]]
  [[ -z "$(cuda_from_banner <"$FIXTURES/nvidia-smi-mismatch.txt")" ]]
}

@test "os-release is read, not executed" {
  printf 'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="$(touch hit)"' >release
  [[ "$(os_release_field release ID)" == ubuntu ]]
  [[ "$(os_release_field release VERSION_ID)" == 22.04 ]]
  [[ "$(os_release_field release PRETTY_NAME)" == '$(touch hit)' ]]
  [[ ! -e hit ]]
}

@test "the machine's graphics card, driver and CUDA are found" {
  machine jammy 610-h100
  environment_detect
  [[ "$GPU_NAME" == "NVIDIA H100 80GB HBM3" && "$GPU_DRIVER" == 570.124.06 && "$GPU_CUDA" == 13.3 ]]
  [[ "$MACHINE_OS" == "ubuntu 22.04" && -z "$GPU_ERROR" ]]
}

@test "a driver that does not match its library is told, not taken for a card" {
  machine jammy mismatch
  environment_detect
  [[ -z "$GPU_NAME" ]]
  [[ "$GPU_ERROR" == *"Driver/library version mismatch"* ]]
}

@test "the PyTorch build follows the driver's CUDA version" {
  local case
  GPU_NAME=H100
  for case in 11.8:cpu 12.2:cpu 12.4:cu124 12.6:cu124 12.8:cu128 12.9:cu128 12.10:cu128 13.3:cu128; do
    GPU_CUDA="${case%:*}"
    [[ "$(torch_profile)" == "${case#*:}" ]] || { echo "$case: $(torch_profile)"; false; }
  done
  IFS='|' read -r profile torch _ < <(GPU_CUDA=12.4 torch_row)
  [[ "$profile $torch" == "cu124 2.4.0" ]]
  IFS='|' read -r profile torch _ < <(GPU_CUDA=13.0 torch_row)
  [[ "$profile $torch" == "cu128 2.7.1" ]]
}

@test "without a card, in the demo, and by name, the profile is what it should be" {
  [[ "$(torch_profile)" == cpu ]]
  GPU_NAME=H100 GPU_CUDA=12.8
  [[ "$(DEMO=1 torch_profile)" == cpu ]]
  [[ "$(TORCH_PROFILE=cu124 torch_profile)" == cu124 ]]
}
