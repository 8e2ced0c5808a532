/** Asks for a password without showing it. */
import { openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { ReadStream } from 'node:tty'
import { PasswdError } from './passwd-file.ts'

const BYTES_MAX = 65_535

/**
 * Asks for a password, twice. On a terminal nothing of it is shown; from a pipe it is the first line, and the
 * second one when there is one.
 *
 * @throws PasswdError when it is empty, or the two are not the same.
 */
export async function askPassword(): Promise<string> {
  const [first, second] = process.stdin.isTTY ? await fromTerminal() : await fromPipe()
  if (first === '') throw new PasswdError('Empty password.')
  if (second !== null && first !== second) throw new PasswdError('Passwords do not match.')
  if (Buffer.byteLength(first) > BYTES_MAX) throw new PasswdError('Password is too long.')
  return first
}

async function fromPipe(): Promise<[string, string | null]> {
  const lines: string[] = []
  process.stdout.write('Password: ')
  for await (const line of createInterface({ input: process.stdin })) {
    lines.push(line)
    if (lines.length === 2) break
  }
  process.stdout.write('\nReenter password: \n')
  return [lines[0] ?? '', lines[1] ?? null]
}

async function fromTerminal(): Promise<[string, string]> {
  process.stdin.setRawMode(true)
  try {
    return [await readHidden('Password: '), await readHidden('Reenter password: ')]
  } finally {
    process.stdin.setRawMode(false)
    process.stdin.pause()
  }
}

/** Asks on the terminal, whatever standard input is; null: there is none. Nothing of it is shown. */
export async function askOnTerminal(prompt: string): Promise<string | null> {
  let terminal: ReadStream
  try {
    terminal = new ReadStream(openSync('/dev/tty', 'r'))
  } catch {
    return null
  }
  terminal.setRawMode(true)
  try {
    return await readHidden(prompt, terminal, process.stderr)
  } finally {
    terminal.setRawMode(false)
    terminal.destroy()
  }
}

const ENTER = /[\r\n]/
const INTERRUPT = '\u0003'
const END_OF_INPUT = '\u0004'
const ERASE = /[\u007f\b]/

function readHidden(
  prompt: string,
  input: ReadStream = process.stdin,
  output: NodeJS.WritableStream = process.stdout,
): Promise<string> {
  output.write(prompt)
  return new Promise((resolve, reject) => {
    const typed: string[] = []
    const finish = (): void => {
      input.off('data', take)
      output.write('\n')
    }
    const take = (text: string): void => {
      for (const character of text) {
        if (character === INTERRUPT) {
          finish()
          return reject(new PasswdError('Interrupted, nothing was changed.'))
        }
        if (ENTER.test(character) || character === END_OF_INPUT) {
          finish()
          return resolve(typed.join(''))
        }
        if (ERASE.test(character)) typed.pop()
        else typed.push(character)
      }
    }
    input.setEncoding('utf8').on('data', take).resume()
  })
}
