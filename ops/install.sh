#!/usr/bin/env bash
# Installs Roost on Debian or Ubuntu: a user, directories, the program, units for systemd. A second run changes nothing but
# what is newer; a newer program takes over without losing a request.
#
#   sudo ops/install.sh --domain apps.example.com --email you@example.com [--dns '[::]:53'] [--binary target/release/roost]
#
# With --dns, Roost answers DNS there and has one certificate for all projects; more than one address may be given.
# The settings in /etc/roost/roost.toml are written once and then left alone; --domain, --email and --dns are for that first
# time. systemd binds what `[listen] dns` says there: after a change of it, run this again.
set -euo pipefail
umask 022
here=$(cd "$(dirname "$0")" && pwd)
domain='' email='' dns=() binary='' changed=0
sockets=/etc/systemd/system/roost.socket.d

fail() { echo "install.sh: $*" >&2; exit 1; }
say() { echo "$*"; changed=$((changed + 1)); }

while [ $# -gt 0 ]; do
  case "$1" in
    --domain) domain=${2:?} && shift 2 ;;
    --email) email=${2:?} && shift 2 ;;
    --dns) dns+=("${2:?}") && shift 2 ;;
    --binary) binary=${2:?} && shift 2 ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0; exit 2 ;;
  esac
done

# Puts a file in its place unless it is there already, the same: put SOURCE TARGET MODE GROUP
put() {
  if cmp -s "$1" "$2" && [ "$(stat -c '%a root:%G' "$2")" = "$3 root:$4" ]; then return 1; fi
  # Beside it first: nobody ever starts half a program.
  install -m "$3" -o root -g "$4" "$1" "$2.new"
  mv -f "$2.new" "$2"
  say "$2"
}

# Makes a directory unless it is there already: folder PATH MODE OWNER
folder() {
  if [ -d "$1" ] && [ "$(stat -c '%a %U:%G' "$1")" = "$2 $3" ]; then return 0; fi
  install -d -m "$2" -o "${3%:*}" -g "${3#*:}" "$1"
  say "$1"
}

settings() {
  cat <<EOF
# What differs from the defaults, all of which \`ops/roost.toml\` explains. After a change: systemctl reload roost
domain = "$domain"
sign_up = "invite"

[acme]
email = "$email"

[mail]
host = ""
username = ""
password = ""
from = "Roost <roost@$domain>"
EOF
  [ ${#dns[@]} -eq 0 ] || printf '\n[listen]\ndns = [%s]\n' "$(listed "${dns[@]}")"
}

listed() { local all; all=$(printf ', "%s"' "$@"); echo "${all:2}"; }

# What `[listen] dns` names in the settings.
named() { sed -n 's/^[[:space:]]*dns[[:space:]]*=//p' /etc/roost/roost.toml | grep -oE '"[^"]+"' | tr '"\n' '  ' || true; }

# What systemd has to bind for that. Free, for the network may get its addresses later.
dns_sockets() {
  echo "# From \`[listen] dns\` in /etc/roost/roost.toml, by ops/install.sh."
  printf '[Socket]\nFreeBind=true\n'
  for address in "$@"; do printf 'ListenStream=%s\nListenDatagram=%s\n' "$address" "$address"; done
}

# Whether another program listens where nobody could beside it, as the kernel's tables say: on port 53 of all addresses, or
# of any if this is to be all of them.
taken() {
  local where='0+'
  case "$1" in '[::]:53' | 0.0.0.0:53) where='[0-9A-F]+' ;; *:53) ;; *) return 1 ;; esac
  grep -qsE "^ *[0-9]+: $where:0035 [0-9A-F]+:0000 " /proc/net/{tcp,tcp6,udp,udp6}
}

[ "$(id -u)" -eq 0 ] || fail "run it as root, such as with sudo"
. /etc/os-release 2>/dev/null || fail "this is no Debian and no Ubuntu"
case " $ID ${ID_LIKE:-} " in *" debian "* | *" ubuntu "*) ;; *) fail "this is no Debian and no Ubuntu" ;; esac
command -v systemctl >/dev/null || fail "systemd is missing"
for candidate in "$here/../target/release/roost" "$here/../roost"; do
  [ -n "$binary" ] || { [ -x "$candidate" ] && binary=$candidate; } || true
done
[ -x "${binary:-}" ] || fail "there is no program to install: build it with cargo build --release, or name it with --binary"
"$binary" --version >/dev/null || fail "$binary does not run on this machine"
first=no
if [ ! -f /etc/roost/roost.toml ]; then
  first=yes
  [ -n "$domain" ] && [ -n "$email" ] || fail "the first time, say --domain and --email"
  # They become settings, and a name in them.
  [[ $domain =~ ^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$ && $email =~ ^[^[:space:]\"\\]+@[^[:space:]\"\\]+$ ]] || fail "this is no domain, or no mail address"
  for address in "${dns[@]}"; do
    [[ $address =~ ^(\[[0-9a-f:]+\]|[0-9.]+):[0-9]+$ ]] || fail "--dns takes an address and a port, such as [::]:53"
  done
else
  read -ra dns <<<"$(named)"
fi
if [ ! -f $sockets/dns.conf ]; then
  for address in "${dns[@]}"; do
    ! taken "$address" || fail "$address is taken: stop the program that has port 53 (ss -lnptu 'sport = :53' names it). \
systemd-resolved has it on the loopback alone: then name this machine's own address, such as 203.0.113.5:53"
  done
fi
draft=$(mktemp) && trap 'rm -f "$draft"' EXIT

if ! getent passwd roost >/dev/null; then
  useradd --system --user-group --no-create-home --home-dir /var/lib/roost --shell /usr/sbin/nologin roost
  say "the user roost"
fi
folder /var/lib/roost 700 roost:roost
folder /etc/roost 750 root:roost
folder /usr/local/share/doc/roost 755 root:root
if [ "$first" = yes ]; then
  settings >"$draft"
  put "$draft" /etc/roost/roost.toml 640 roost
fi
newer=no
put "$binary" /usr/local/bin/roost 755 root && newer=yes
for file in "$here"/roost.toml "$here"/runbooks/*.md; do
  put "$file" "/usr/local/share/doc/roost/$(basename "$file")" 644 root || true
done
units=no bind=no
for unit in roost.service roost.socket; do
  put "$here/systemd/$unit" "/etc/systemd/system/$unit" 644 root && units=yes
done
if [ ${#dns[@]} -gt 0 ]; then
  folder $sockets 755 root:root
  dns_sockets "${dns[@]}" >"$draft"
  put "$draft" $sockets/dns.conf 644 root && units=yes bind=yes
elif [ -f $sockets/dns.conf ]; then
  rm $sockets/dns.conf && rmdir --ignore-fail-on-non-empty $sockets && say "no sockets for DNS any more"
  units=yes bind=yes
fi
for unit in roost.socket roost.service; do
  systemctl is-enabled --quiet $unit 2>/dev/null || { systemctl enable --quiet $unit && say "$unit starts with the machine"; }
done

if [ ! -d /run/systemd/system ]; then
  echo "systemd does not run here: nothing was started."
else
  [ $units = no ] || systemctl daemon-reload
  # Sockets are only bound while nobody uses them: for this once, nobody is answered for some seconds.
  [ $bind = no ] || systemctl stop roost.service roost.socket
  if ! systemctl is-active --quiet roost.service; then
    systemctl start roost.socket roost.service
    say "roost is started"
  elif [ $newer = yes ]; then
    systemctl reload roost.service
    say "the new program has taken over"
  fi
fi

if [ "$first" = yes ] && [ -d /run/systemd/system ]; then
  runuser -u roost -- /usr/local/bin/roost doctor --config /etc/roost/roost.toml --dir /var/lib/roost || true
  runuser -u roost -- /usr/local/bin/roost admin create "$email" --config /etc/roost/roost.toml --dir /var/lib/roost
  echo "The console is at https://$domain. Mails take a server: [mail] in /etc/roost/roost.toml."
fi
if [ $changed -eq 0 ]; then echo "Nothing had to be changed."; else echo "$changed changes."; fi
