#!/bin/sh
# Installs Debian's Chromium for the browser tests where it is missing and can be. Where it cannot, says so
# in one sentence and succeeds all the same: the tests themselves then skip, or fail where CI=true.

for name in chromium chromium-browser google-chrome; do
    if command -v "$name" >/dev/null 2>&1; then exit 0; fi
done

give_up() {
    echo "The browser tests need Chromium, and $1: install it by hand (on Debian: apt-get install chromium)." >&2
    exit 0
}

command -v apt-get >/dev/null 2>&1 || give_up "there is no apt-get here to install it with"
if [ "$(id -u)" = 0 ]; then
    as_root="env"
elif sudo -n true >/dev/null 2>&1; then
    as_root="sudo -n env"
else
    give_up "only root may install it"
fi

echo "Installing Chromium for the browser tests (once)"
$as_root DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core ||
    give_up "apt-get could not install it"
