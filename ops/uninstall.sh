#!/usr/bin/env bash
# Takes Roost off this machine and keeps what belongs to people: /var/lib/roost with all data, /etc/roost with the settings,
# and the user they belong to. ops/install.sh brings it back as it was.
set -euo pipefail
[ "$(id -u)" -eq 0 ] || { echo "uninstall.sh: run it as root, such as with sudo" >&2; exit 1; }

for unit in roost.service roost.socket; do
  [ ! -d /run/systemd/system ] || systemctl stop $unit 2>/dev/null || true
  systemctl disable --quiet $unit 2>/dev/null || true
  rm -f "/etc/systemd/system/$unit"
done
rm -f /etc/systemd/system/roost.socket.d/dns.conf
rmdir --ignore-fail-on-non-empty /etc/systemd/system/roost.socket.d 2>/dev/null || true
[ ! -d /run/systemd/system ] || systemctl daemon-reload
rm -f /usr/local/bin/roost
rm -rf /usr/local/share/doc/roost
echo "Roost is gone. Kept: /var/lib/roost, /etc/roost, the user roost."
echo "To remove these, too, for good: rm -r /var/lib/roost /etc/roost && userdel roost"
