#!/bin/sh
# Compile requirements/<extra>.txt, hash-pinned, from each extra of pyproject.toml.
set -eu
cd "$(dirname "$0")/.."
uv=.local/uv/bin/uv
[ -x "$uv" ] || uv=uv
for extra in layer tools development ministack checkov uv; do
    "$uv" pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
        --extra "$extra" pyproject.toml --output-file "requirements/$extra.txt"
done
