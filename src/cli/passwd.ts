/** `mozzie passwd`: users of a password file. */
import { randomBytes } from 'node:crypto'
import { hashField, userNameProblem, userOfLine } from '../auth/password-file.ts'
import {
  formatPasswordHash,
  hashPassword,
  newPasswordHash,
  parsePasswordHash,
  type PasswordHash,
} from '../auth/password-hash.ts'
import { askPassword } from './ask-password.ts'
import {
  createPasswdFile,
  editPasswdFile,
  lineText,
  PasswdError,
  readPasswdFile,
  shownText,
} from './passwd-file.ts'
import { unknownOption } from './unknown-option.ts'

interface PasswdArguments {
  create: boolean
  remove: boolean
  batch: boolean
  update: boolean
  generate: boolean
  help: boolean
  scheme: PasswordHash['scheme']
  /** 0: not said. */
  iterations: number
  operands: string[]
}

export const HELP = `Usage: mozzie passwd [-H HASH] [-I N] [-c | -D] FILE USER
       mozzie passwd [-H HASH] [-I N] [-c] -b FILE USER PASSWORD
       mozzie passwd [-H HASH] [-I N] [-c] --generate FILE USER
       mozzie passwd -U FILE

Adds USER to the password file FILE, or changes the password. It is asked for, twice;
from a pipe it is the first line.

  -b          take PASSWORD from the command line, where others on this machine see it
  -c          create FILE, which must not be there yet; "-" is standard output
  -D          delete USER
  -H HASH     sha512-pbkdf2 (default), argon2id, scram-sha-256 (ours alone: logins by
              SCRAM-SHA-256), or sha512 (weak)
  -I N        iterations of sha512-pbkdf2; a password typed at a terminal gets 210000,
              every other one 1000, as mosquitto has it
  -U          hash the passwords of FILE that are in plain text
  --generate  make a password of 128 random bits and print it, alone, on standard output
  -h, --help  show this text and stop

Examples:
  mozzie passwd -c /etc/mosquitto/passwd alice      a new file, the password is asked for
  mozzie passwd --generate /etc/mosquitto/passwd sensor7
  mozzie passwd -D /etc/mosquitto/passwd alice

A running broker reads the file again on SIGHUP.
`

const schemes: ReadonlySet<string> = new Set([
  'sha512',
  'sha512-pbkdf2',
  'argon2id',
  'scram-sha-256',
])
const MACHINE_ITERATIONS = 1000
const SCRAM_ITERATIONS = 4096
/** What OWASP asks for; a terminal means a human thought of the password. */
const HUMAN_ITERATIONS = 210_000
const ITERATIONS_MAX = 100_000_000
const FAILURE_EXIT_CODE = 1
/** What begins like a hash and is none. */
const DAMAGED_HASH = /^\s*\$(?:6|7|argon2id|scram-sha-256)\$/

type Flag = (draft: PasswdArguments, operand: string) => void

const FLAGS: Readonly<Record<string, Flag>> = {
  '-b': (draft) => (draft.batch = true),
  '-c': (draft) => (draft.create = true),
  '-D': (draft) => (draft.remove = true),
  '-U': (draft) => (draft.update = true),
  '--generate': (draft) => (draft.generate = true),
  '-h': (draft) => (draft.help = true),
  '--help': (draft) => (draft.help = true),
}

const OPERAND_FLAGS: Readonly<Record<string, Flag>> = {
  '-H': (draft, operand) => {
    if (!schemes.has(operand)) throw new PasswdError(`Unknown hash type '${operand}'`)
    draft.scheme = operand as PasswordHash['scheme']
  },
  '-I': (draft, operand) => {
    const iterations = /^\d{1,9}$/.test(operand) ? Number(operand) : 0
    if (iterations < 1 || iterations > ITERATIONS_MAX)
      throw new PasswdError(`-I is a number from 1 to ${ITERATIONS_MAX}, not '${operand}'.`)
    draft.iterations = iterations
  },
}

/** For shell completions. */
export const PASSWD_FLAGS: readonly string[] = [
  ...Object.keys(FLAGS),
  ...Object.keys(OPERAND_FLAGS),
]

/** @throws PasswdError */
function parsePasswdArguments(words: readonly string[]): PasswdArguments {
  const draft: PasswdArguments = {
    create: false,
    remove: false,
    batch: false,
    update: false,
    generate: false,
    help: false,
    scheme: 'sha512-pbkdf2',
    iterations: 0,
    operands: [],
  }
  let index = 0
  for (; index < words.length; index++) {
    const word = words[index]
    if (word === '--') {
      index++
      break
    }
    if (Object.hasOwn(FLAGS, word)) FLAGS[word](draft, '')
    else if (Object.hasOwn(OPERAND_FLAGS, word)) {
      if (index + 1 === words.length) throw new PasswdError(`${word} needs a value behind it.`)
      OPERAND_FLAGS[word](draft, words[++index])
    } else if (word.startsWith('-') && word !== '-')
      throw new PasswdError(unknownOption(word, PASSWD_FLAGS))
    else break
  }
  draft.operands = words.slice(index)
  return draft
}

/** @throws PasswdError */
function checkArguments(args: PasswdArguments): void {
  const { create, remove, batch, update, generate, operands } = args
  const together = (left: [boolean, string], right: [boolean, string]): void => {
    if (left[0] && right[0])
      throw new PasswdError(`${left[1]} and ${right[1]} cannot be used together.`)
  }
  together([create, '-c'], [remove, '-D'])
  together([create, '-c'], [update, '-U'])
  together([remove, '-D'], [update, '-U'])
  together([batch, '-b'], [generate, '--generate'])
  together([generate, '--generate'], [remove || update, '-D or -U'])
  const wanted = update ? 1 : batch && !remove ? 3 : 2
  if (operands.length === 3 && wanted === 2 && !remove)
    throw new PasswdError(
      'A password on the command line is seen by others on this machine, and kept in the history of the shell. ' +
        'Leave it out to be asked for it, or say -b.',
    )
  if (operands.length !== wanted) throw new PasswdError('That is not the right number of words.')
}

/** Runs with the words behind the command's name. Sets the exit code: 0, or 1 after a line that says why. */
export async function runPasswd(words: readonly string[]): Promise<void> {
  try {
    const args = parsePasswdArguments(words)
    if (args.help || words.length === 0) {
      process.stdout.write(HELP)
      process.exitCode = FAILURE_EXIT_CODE
      return
    }
    checkArguments(args)
    const [file, user, password] = args.operands
    if (args.update) await hashPlain(file, args)
    else if (args.remove) removeUser(file, user)
    else await setPassword(file, user, password, args)
  } catch (error) {
    if (!(error instanceof PasswdError)) throw error
    process.stderr.write(`Error: ${error.message}\nTry "mozzie passwd --help".\n`)
    process.exitCode = FAILURE_EXIT_CODE
  }
}

/** RFC 7677 asks for 4096 at least. */
function iterationsOf(scheme: PasswordHash['scheme']): number {
  return scheme === 'scram-sha-256' ? SCRAM_ITERATIONS : MACHINE_ITERATIONS
}

/** Why a line of the file cannot begin with this name; null: it can. */
function lineProblem(user: string): string | null {
  if (user.startsWith('#')) return 'A user name cannot begin with "#": its line would be a comment'
  if (user.startsWith('\uFEFF')) return 'A user name cannot begin with a byte order mark'
  return null
}

async function setPassword(
  file: string,
  user: string,
  given: string | undefined,
  args: PasswdArguments,
): Promise<void> {
  const problem = lineProblem(user) ?? userNameProblem(user)
  if (problem !== null) throw new PasswdError(`${problem}.`)
  // Before anybody types a password for nothing.
  if (!args.create) readPasswdFile(file)
  if (given === '') throw new PasswdError('Empty password.')
  const isTyped = given === undefined && !args.generate && process.stdin.isTTY
  const made = args.generate ? randomBytes(16).toString('base64url') : null
  const password = made ?? given ?? (await askPassword())
  const iterations = args.iterations || (isTyped ? HUMAN_ITERATIONS : iterationsOf(args.scheme))
  const hash = await encode(Buffer.from(password), args.scheme, iterations)
  const note = (line: string): void =>
    void (made === null ? process.stdout : process.stderr).write(line)
  if (args.create) {
    if (file === '-') process.stdout.write(`${user}:${hash}\n`)
    else {
      createPasswdFile(file, [`${lineText(user)}:${hash}`])
      note(`Adding password for user ${user}\n`)
    }
  } else editPasswdFile(file, (lines) => withEntry(lines, user, hash, note))
  // Alone on standard output, for scripts; where that is the file, beside it.
  if (made !== null) (file === '-' ? process.stderr : process.stdout).write(`${made}\n`)
}

function withEntry(
  lines: readonly string[],
  user: string,
  hash: string,
  note: (line: string) => void,
): string[] {
  const name = lineText(user)
  const entry = `${name}:${hash}`
  const at = lines.findIndex((line) => userOfLine(line) === name)
  note(`${at < 0 ? 'Adding' : 'Updating'} password for user ${user}\n`)
  if (at < 0) return [...lines, entry]
  // A name that is there twice would keep the broker from starting.
  return lines.flatMap((line, index) =>
    index === at ? [entry] : userOfLine(line) === name ? [] : [line],
  )
}

function removeUser(file: string, user: string): void {
  editPasswdFile(file, (lines) => {
    const left = lines.filter((line) => userOfLine(line) !== lineText(user))
    if (left.length < lines.length) return left
    process.stdout.write(`Warning: User ${user} not found in password file.\n`)
    process.exitCode = FAILURE_EXIT_CODE
    return null
  })
}

/** Lines whose password is hashed already stay as they are. */
async function hashPlain(file: string, { scheme, iterations }: PasswdArguments): Promise<void> {
  const hashed = new Map<string, string>()
  for (const line of readPasswdFile(file)) {
    const user = userOfLine(line)
    if (user === null) continue
    const password = line.slice(line.indexOf(':') + 1).replace(/\r$/, '')
    const hash = parsePasswordHash(hashField(password))
    if (typeof hash === 'object') continue
    // Hashed again it would be the password of whoever has seen the file.
    if (DAMAGED_HASH.test(password)) throw new PasswdError(`User ${shownText(user)}: ${hash}.`)
    if (password === '') throw new PasswdError(`User ${shownText(user)} has an empty password.`)
    const bytes = Buffer.from(password, 'latin1')
    hashed.set(line, `${user}:${await encode(bytes, scheme, iterations || MACHINE_ITERATIONS)}`)
  }
  if (hashed.size > 0)
    editPasswdFile(file, (lines) => lines.map((line) => hashed.get(line) ?? line))
}

async function encode(
  password: Uint8Array,
  scheme: PasswordHash['scheme'],
  iterations: number,
): Promise<string> {
  const like = newPasswordHash(scheme, iterations)
  const hash = await hashPassword(password, like, async (bytes, wanted) => {
    const { argon2idOf } = await import('../auth/argon2id.ts')
    return argon2idOf(bytes, wanted)
  })
  return formatPasswordHash({ ...like, hash })
}
