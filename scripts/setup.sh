#!/usr/bin/env bash
# Installs what the wall needs and this machine lacks: a linker, the Vulkan loader, a Vulkan driver (a software one
# where no other is found). With `test`: also what the tests show the wall on (a virtual X display, a browser, a film).
# Does nothing, quickly, when all is there. Knows Debian and its kin; elsewhere it says what is missing.
set -euo pipefail

missing=()
need() { missing+=("$@"); }

have_library() { [[ "$libraries" == *"$1"* ]]; }
have_driver() { compgen -G "/usr/share/vulkan/icd.d/*.json" >/dev/null || compgen -G "/etc/vulkan/icd.d/*.json" >/dev/null || [ -n "${VK_DRIVER_FILES:-}${VK_ICD_FILENAMES:-}" ]; }
PATH="$PATH:/usr/sbin:/sbin"
# Not into `grep -q`, which ends before the list does: with `pipefail` what is there would now and then be missing.
libraries="$(ldconfig -p 2>/dev/null || true)"

command -v cc >/dev/null || need build-essential
have_library libvulkan.so.1 || need libvulkan1
have_driver || need mesa-vulkan-drivers
# What a window on X11 loads at start.
if [ -n "${DISPLAY:-}" ] || [ "${1:-}" = test ]; then
    have_library libX11.so.6 || need libx11-6
    have_library libX11-xcb.so.1 || need libx11-xcb1
    have_library libXcursor.so.1 || need libxcursor1
    have_library libXi.so.6 || need libxi6
    have_library libXrandr.so.2 || need libxrandr2
    have_library libxkbcommon-x11.so.0 || need libxkbcommon-x11-0
fi
if [ "${1:-}" = test ]; then
    command -v Xvfb >/dev/null || need xvfb
    command -v xdotool >/dev/null || need xdotool
    [[ "$(import -version 2>/dev/null || true)" == *ImageMagick* ]] || need imagemagick
    command -v chromium >/dev/null || need chromium
    command -v ffmpeg >/dev/null || need ffmpeg
    # The tests draw on one rasteriser everywhere, so the software driver is needed beside a real one too.
    compgen -G "/usr/share/vulkan/icd.d/lvp_icd*.json" >/dev/null || need mesa-vulkan-drivers
fi

if ! command -v cargo >/dev/null; then
    echo "setup: cargo is not on PATH; install Rust with rustup (https://rustup.rs), then run this again" >&2
    exit 1
fi
[ ${#missing[@]} -eq 0 ] && exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
if ! command -v apt-get >/dev/null; then
    echo "setup: please install the counterparts of these Debian packages, then run this again: ${missing[*]}" >&2
    exit 1
fi
sudo=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: not root and no sudo; as root run: apt-get install ${missing[*]}" >&2; exit 1; }
    sudo=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
