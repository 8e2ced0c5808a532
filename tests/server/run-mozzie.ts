import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { endWithUs } from '../support/children.ts'
import { freePort } from '../support/free-port.ts'
import { processMsMax } from '../support/patience.ts'

const bin = join(process.cwd(), 'bin', 'mozzie')
/** Where the page is, if nobody else is there. */
const PAGE_PORT = 9883

/** A broker process that writes its log to standard error. */
export interface Mozzie {
  readonly pid: number
  readonly stdout: () => string
  readonly stderr: () => string
  readonly signal: (name: NodeJS.Signals) => void
  /** Nobody reads what it writes any more. */
  readonly hangUp: () => void
  /** Resolves to the exit code. */
  readonly exited: Promise<number | null>
}

/** A directory that is removed when `context` is done, or, where a process still writes into it, at the end of the file of tests. */
export function scratch(context: { after(run: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'mozzie-server-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  context.after(() => {
    try {
      remove()
    } catch {
      process.once('exit', remove)
    }
  })
  return directory
}

/** Writes a configuration that keeps the tests' own account and returns its path. */
export function writeConfig(directory: string, lines: string): string {
  const file = join(directory, 'mosquitto.conf')
  writeFileSync(file, `user root\n${lines}\n`)
  return file
}

/** Runs to the end, for commands that do not stay. */
export function runToEnd(...args: string[]): {
  code: number | null
  stdout: string
  stderr: string
} {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...args], {
    encoding: 'utf8',
    timeout: processMsMax,
  })
  return { code: status, stdout, stderr }
}

/** Starts a broker and waits until it says that it runs. */
export async function startMozzie(
  context: { after(run: () => Promise<void>): void },
  ...args: string[]
): Promise<Mozzie> {
  const mozzie = spawnMozzie(context, ...args)
  await until(() => /mozzie version \S+ running/.test(mozzie.stderr()), mozzie.stderr)
  return mozzie
}

/**
 * Brokers that say where their page is, `other` not at its usual port. The first one may be that itself: tests of other files start
 * brokers too, and who had the port may be gone when a second one starts. Where the first one has it, it is taken.
 */
export async function startPages(context: {
  after(run: () => Promise<void>): void
}): Promise<{ first: Mozzie; other: Mozzie }> {
  const start = async (): Promise<Mozzie> => {
    const mozzie = await startMozzie(context, '-p', String(await freePort()))
    await until(() => mozzie.stderr().includes('The page is at'), mozzie.stderr)
    return mozzie
  }
  const first = await start()
  const isUsual = first.stderr().includes(`The page is at http://127.0.0.1:${PAGE_PORT}`)
  return { first, other: isUsual ? await start() : first }
}

/** Starts a broker and does not wait. */
export function spawnMozzie(
  context: { after(run: () => Promise<void>): void },
  ...args: string[]
): Mozzie {
  const state = mkdtempSync(join(tmpdir(), 'mozzie-state-'))
  const child = endWithUs(
    spawn(process.execPath, [bin, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, XDG_STATE_HOME: state },
    }),
  )
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  context.after(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(state, { recursive: true, force: true })
  })
  return {
    pid: child.pid ?? 0,
    stdout: () => stdout,
    stderr: () => stderr,
    signal: (name) => void child.kill(name),
    hangUp() {
      child.stdout.destroy()
      child.stderr.destroy()
    },
    exited,
  }
}

/** Resolves when `reached` holds; fails with what `explain` says after a while. */
export async function until(reached: () => boolean, explain: () => string): Promise<void> {
  // Much of what is waited for is a process that starts.
  const deadline = performance.now() + processMsMax
  while (!reached()) {
    assert.ok(performance.now() < deadline, `it did not happen:\n${explain()}`)
    await sleep(20)
  }
}
