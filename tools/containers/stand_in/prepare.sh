#!/usr/bin/dash
# Inside the unpacked Debian: AWS's paths, certificates, and the runtime client.
set -eu
[ -e /usr/bin/sh ] || ln -s dash /usr/bin/sh
mkdir -p /var/lang/bin /var/lang/lib /var/task /var/runtime /opt /etc/ssl/certs
chmod 1777 /tmp
for name in python3.13 python3 python; do ln -s /usr/bin/python3.13 "/var/lang/bin/$name"; done
ln -s /usr/bin/pip3 /var/lang/bin/pip
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
cp /usr/share/base-passwd/passwd.master /etc/passwd
cp /usr/share/base-passwd/group.master /etc/group
cat /usr/share/ca-certificates/mozilla/*.crt >/etc/ssl/certs/ca-certificates.crt
find / -xdev -perm /6000 -exec chmod a-s {} +

if [ -s /run/secrets/certificates ]; then export PIP_CERT=/run/secrets/certificates; fi
set -a
# shellcheck source=/dev/null
. /run/secrets/package_index
set +a
python3.13 -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
    --no-cache-dir --no-compile --only-binary :all: --require-hashes --no-deps \
    --requirement /stand_in/runtime.txt --target /var/runtime
mv /stand_in/bootstrap.py /var/runtime/
mv /stand_in/lambda-entrypoint.sh /
# Whatever umask the checkout was made with.
chmod 644 /var/runtime/bootstrap.py
chmod 755 /lambda-entrypoint.sh
python3.13 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3.13 /var/runtime
rm -r /stand_in
