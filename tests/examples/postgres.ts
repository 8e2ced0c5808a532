/** A PostgreSQL server of our own, from Debian's package, in a scratch directory and on a unix socket. */
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const VERSIONS = '/usr/lib/postgresql'

function binaries(): string | null {
  if (!existsSync(VERSIONS)) return null
  const [newest] = readdirSync(VERSIONS).sort((a, b) => Number(b) - Number(a))
  const folder = join(VERSIONS, newest ?? '', 'bin')
  return existsSync(join(folder, 'initdb')) ? folder : null
}

/** For the option `skip` of a test: false, or why there can be no server. */
export const noPostgres: false | string =
  binaries() === null ? 'postgresql is not installed (apt-get install postgresql)' : false

interface Account {
  readonly uid: number
  readonly gid: number
}

/** It refuses to run as root: Debian has an account for it. */
function accountOf(): Account | null {
  if (process.getuid?.() !== 0) return null
  const [, , uid, gid] = spawnSync('getent', ['passwd', 'postgres'], {
    encoding: 'utf8',
  }).stdout.split(':')
  return { uid: Number(uid), gid: Number(gid) }
}

/** A new server; `stop` takes its data along. */
export function startPostgres(): { url: string; stop(): void } {
  const folder = binaries() as string
  const account = accountOf()
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-postgres-'))
  if (account !== null) chownSync(directory, account.uid, account.gid)
  const data = join(directory, 'data')
  const run = (program: string, ...args: string[]): void => {
    const { status, stdout, stderr } = spawnSync(join(folder, program), args, {
      ...account,
      cwd: directory,
      encoding: 'utf8',
      // The server keeps what it inherits open: nobody may wait for its end.
      stdio: program === 'pg_ctl' ? 'ignore' : 'pipe',
    })
    if (status !== 0) throw new Error(`${program}: ${stdout}${stderr}`)
  }
  run('initdb', '-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync')
  const flags = `-c listen_addresses= -c unix_socket_directories=${directory}`
  run('pg_ctl', '-D', data, '-w', '-o', flags, 'start')
  return {
    url: `postgres://postgres@localhost/postgres?host=${encodeURIComponent(directory)}`,
    stop() {
      run('pg_ctl', '-D', data, '-m', 'immediate', 'stop')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
