/** The Debian packages: built, installed, run, upgraded and purged on a copy-on-write copy of this machine's root. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { testMsMax } from '../support/patience.ts'

const run = promisify(execFile)

/** Changes stay in memory and are gone with the name space; ports are its own as well. */
const OVERLAY = `
set -e
mount -t tmpfs tmpfs "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
ip link set lo up
mount --bind "$2" "$1/root/mnt"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
`
const possible = spawnSync('unshare', [
  '--mount',
  '--net',
  '--pid',
  '--fork',
  'sh',
  '-c',
  `${OVERLAY.replace('mount --bind "$2" "$1/root/mnt"', '')} chroot "$1/root" dpkg-deb --version`,
  'sh',
  tmpdir(),
])
const skip =
  possible.status === 0 ? false : 'no overlay over / here (root, unshare and dpkg are needed)'

/** In the copy. Each step that fails ends it. */
const STEPS = `
set -eu
say() { echo "# $*"; }
dpkg --purge mosquitto mosquitto-clients >/dev/null 2>&1 || true

say install
dpkg -i /mnt/mozzie_*.deb /mnt/mozzie-mosquitto-clients_*.deb
getent passwd mozzie
test "$(stat -c '%U %a' /var/lib/mozzie)" = 'mozzie 700'
mozzie -c /etc/mozzie/mozzie.conf --test-config

say run
setpriv --reuid=mozzie --regid=mozzie --init-groups mozzie -c /etc/mozzie/mozzie.conf 2>/tmp/log &
broker=$!
for attempt in $(seq 300); do grep -q ' running' /tmp/log && break; sleep 0.1; done
grep -q ' running' /tmp/log || { cat /tmp/log; exit 1; }
mosquitto_pub -t kept -m yes -r -q 1
test "$(mozzie_sub -t kept -C 1 -W 20)" = yes
kill $broker; wait $broker

say upgrade
echo '# mine' >> /etc/mozzie/mozzie.conf
dpkg-deb -R /mnt/mozzie_*.deb /tmp/next
sed -i 's/^Version: .*/&+1/' /tmp/next/DEBIAN/control
dpkg-deb -Znone -b /tmp/next /tmp/next.deb >/dev/null
dpkg --purge mozzie-mosquitto-clients
dpkg -i --force-confold /tmp/next.deb
grep -q '^# mine' /etc/mozzie/mozzie.conf
test -d /var/lib/mozzie/mozzie.db

say remove
dpkg --remove mozzie
test -e /etc/mozzie/mozzie.conf
test -d /var/lib/mozzie
test ! -e /usr/bin/mozzie

say purge
dpkg --purge mozzie
test ! -e /etc/mozzie
test ! -e /var/lib/mozzie
! getent passwd mozzie
say done
`

test(
  'the packages install, run, upgrade with their configuration kept, and leave nothing',
  { skip, timeout: testMsMax },
  async (context) => {
    const scratch = mkdtempSync(join(tmpdir(), 'mozzie-debian-'))
    context.after(() => rmSync(scratch, { recursive: true, force: true }))
    await run(process.execPath, ['scripts/package.mjs', 'deb', scratch])
    const names = readdirSync(scratch)
    assert.equal(names.length, 2)
    const overlay = mkdtempSync(join(tmpdir(), 'mozzie-overlay-'))
    context.after(() => rmSync(overlay, { recursive: true, force: true }))
    const script = `${OVERLAY}\nexec chroot "$1/root" sh -c "$3"`
    const words = ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-c', script, 'sh']
    const { stdout } = await run('unshare', [...words, overlay, scratch, STEPS]).catch(
      ({ stdout: said, stderr }) => assert.fail(`${said}${stderr}`),
    )
    assert.match(stdout, /# done\n$/)
  },
)
