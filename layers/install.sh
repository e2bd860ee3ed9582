#!/bin/sh
# Install, while an image is built: `install.sh uv`, or `install.sh packages LOCK FOLDER` for
# TARGETARCH. What the machine needs to reach a package index comes as secrets of the build, which
# leave nothing in an image.
set -eu

certificates=/run/secrets/certificates
if [ -s "$certificates" ]; then
    export SSL_CERT_FILE="$certificates" PIP_CERT="$certificates"
fi
package_index=/run/secrets/package_index
if [ -s "$package_index" ]; then
    set -a
    # shellcheck source=/dev/null
    . "$package_index"
    set +a
fi

case "$1" in
    uv)
        python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
            --require-hashes --requirement requirements/uv.txt
        ;;
    packages)
        python3 -m tools.packaging.dependencies "$2" "$3" "$TARGETARCH"
        ;;
esac
