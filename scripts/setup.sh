#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Cross4D needs and is not there: apt packages and, in .venv, LibTorch from the PyPI wheel.
# Can be run again at any time; when nothing is missing it changes nothing and takes well under a second.
#   scripts/setup.sh          what the build, the programs and the tests need
#   scripts/setup.sh --cuda   also the libraries that LibTorch needs to compute on a GPU (about 4 GB)
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH=2.11.0
# libtorch_cpu of the wheel is linked against these two, also on a machine without a GPU.
CUDA_RUNTIME=13.0.96
CUDA_CUPTI=13.0.85
# What the tests run the Python examples of docs/ with.
NUMPY=2.4.6
SAFETENSORS=0.8.0
PACKAGES=(
  # tools
  g++ cmake make ninja-build git python3 python3-venv clang-format
  # libraries of the programs
  libboost-dev libboost-filesystem-dev libboost-system-dev libcli11-dev libfmt-dev libhdf5-dev
  libpng-dev libsqlite3-dev libsqlitecpp-dev libssl-dev libtomlplusplus-dev libzip-dev
  nlohmann-json3-dev zlib1g-dev
  # tests
  libgmock-dev libgtest-dev librapidcheck-dev
)

say() { echo "setup: $*" >&2; }
die() { say "$*"; exit 3; }

missing_packages() {
  local installed
  installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' "${PACKAGES[@]}" 2>/dev/null |
    sed -n 's/^ii //p') || true
  for package in "${PACKAGES[@]}"; do
    grep -qxF "$package" <<<"$installed" || echo "$package"
  done
}

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    for tool in g++ cmake ninja python3; do
      command -v "$tool" >/dev/null || die "this is no Debian-like system and $tool is missing. Install what" \
        "these Debian packages hold by your system's own means, then run this again: ${PACKAGES[*]}"
    done
    say "this is no Debian-like system; going on with the libraries that are there"
    return
  fi
  local missing
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -eq 0 ] && return
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    if sudo -n true 2>/dev/null; then
      root=(sudo -n env)
    else
      say "these packages are missing, and installing them needs root. Run this, or ask for it, then come back:"
      echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
      exit 3
    fi
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  "${root[@]}" apt-get update -q >&2 || say "apt-get update failed; trying with the lists that are there"
  "${root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}" >&2 ||
    die "apt-get could not install them (Cross4D was tried on Debian 12; some names differ elsewhere)"
}

site_packages() { echo .venv/lib/python3*/site-packages; }

torch_version() {
  local file
  for file in .venv/lib/python3*/site-packages/torch/version.py; do
    [ -e "$file" ] && sed -n "s/^__version__ = '\([0-9.]*\).*/\1/p" "$file"
  done
}

install_torch() {
  if [ "$(torch_version)" = "$TORCH" ] && compgen -G "$(site_packages)/nvidia/cu13/lib/libcudart.so.13" >/dev/null &&
    compgen -G "$(site_packages)/nvidia/cu13/lib/libcupti.so.13" >/dev/null; then
    return
  fi
  # A LibTorch elsewhere can be named instead: CMAKE_PREFIX_PATH=<folder that holds include/ and lib/>.
  if [ -n "${CMAKE_PREFIX_PATH:-}" ]; then
    say "CMAKE_PREFIX_PATH is set: LibTorch is looked for there, .venv is left alone"
    return
  fi
  say "installing LibTorch $TORCH (the PyPI wheel) into .venv"
  [ -x .venv/bin/python ] || python3 -m venv .venv
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps "torch==$TORCH" \
    "nvidia-cuda-runtime==$CUDA_RUNTIME" "nvidia-cuda-cupti==$CUDA_CUPTI" >&2 ||
    die "pip could not install torch $TORCH; is PyPI reachable, and is this x86-64 Linux with Python 3.10 or newer?"
}

install_cuda() {
  compgen -G "$(site_packages)/nvidia/cudnn/lib/libcudnn.so.*" >/dev/null && return
  say "installing the CUDA libraries that LibTorch $TORCH uses into .venv"
  .venv/bin/python -m pip install -q --disable-pip-version-check "torch==$TORCH" >&2
}

# For the tests alone: without these two they skip the examples.
install_python_packages() {
  [ -x .venv/bin/python ] || return 0
  compgen -G "$(site_packages)/numpy-$NUMPY.dist-info" >/dev/null &&
    compgen -G "$(site_packages)/safetensors-$SAFETENSORS.dist-info" >/dev/null && return
  say "installing numpy and safetensors into .venv"
  .venv/bin/python -m pip install -q --disable-pip-version-check "numpy==$NUMPY" "safetensors==$SAFETENSORS" >&2 ||
    say "they could not be installed; the tests of Python examples will be skipped"
}

install_packages
install_torch
install_python_packages
[ "${1:-}" != --cuda ] || install_cuda
