#!/bin/sh
# Compile requirements/<extra>.txt, hash-pinned, from each extra of pyproject.toml. With UPGRADE=1
# every package is taken in its newest version that fits, else only what pyproject.toml asks anew.
set -eu
cd "$(dirname "$0")/.."
uv=.local/uv/bin/uv
[ -x "$uv" ] || uv=uv
compile() {
    extra=$1
    shift
    "$uv" pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
        --extra "$extra" pyproject.toml --output-file "requirements/$extra.txt" \
        ${UPGRADE:+--upgrade} "$@"
}
for extra in layer tools development checks ministack checkov runtime uv build; do
    compile "$extra"
done
# What a family imports beside the layer: the layer's own packages are there already.
shared=$(sed -n 's/^\([a-z0-9._-]*\)==.*/--no-emit-package \1/p' requirements/layer.txt)
for extra in processors realtime scheduled; do
    # shellcheck disable=SC2086 # one option and one name for each package
    compile "$extra" --constraints requirements/layer.txt $shared
done
