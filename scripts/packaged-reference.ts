/** What the packages carry of the tables: a configuration with every option, and manual pages. */
import { BROKER_FLAGS } from '../src/cli/broker-arguments.ts'
import { COMMAND_SUMMARIES } from '../src/cli/command-names.ts'

/** An option as it is told. */
export interface Told {
  readonly name: string
  /** What stands behind the name, in words. */
  readonly describes: string
  /** Empty: none. */
  readonly initial: string
  readonly summary: string
  /** Why it does other than mosquitto's, or nothing; empty: it does the same. */
  readonly note: string
  readonly isOwn: boolean
}

export type ToldSection = readonly [title: string, options: readonly Told[]]

/** Every option, commented, with its default. */
export function fullConfiguration(sections: readonly ToldSection[]): string {
  const lines = [
    '# Every option of Mozzie, commented, with its default where it has one. "Ours" marks what mosquitto does not know.',
    '# Made from the option table: npm run option-docs.',
  ]
  for (const [title, options] of sections) {
    lines.push('', `# ---- ${title} ${'-'.repeat(80 - title.length)}`)
    for (const { name, describes, initial, summary, note, isOwn } of options)
      lines.push(
        '',
        `# ${[isOwn ? 'Ours.' : '', summary, note].filter((part) => part !== '').join(' ')}`,
        `# Value: ${describes === '' ? 'none' : describes.replaceAll('\n', ' ')}`,
        `#${name}${initial === '' ? '' : ` ${initial}`}`,
      )
  }
  return `${lines.join('\n')}\n`
}

const glyph = (character: string): string =>
  `\\[u${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')}]`

/** Text as roff shows it as it is. */
export function roff(text: string): string {
  const plain = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('\n', ' ')
    .replaceAll(/[^\u0000-\u007f]/gu, glyph)
  return /^[.']/.test(plain) ? `\\&${plain}` : plain
}

/** A paragraph with a tag. */
export const item = (head: string, text: string): string => `.TP\n.B ${roff(head)}\n${roff(text)}`

/** mozzie.conf(5) */
export function configurationManual(sections: readonly ToldSection[]): string {
  return [
    '.TH MOZZIE.CONF 5',
    '.SH NAME',
    'mozzie.conf \\- configuration of the MQTT broker mozzie',
    '.SH DESCRIPTION',
    roff('A mosquitto.conf: one option a line, comments begin with # in the first column.'),
    ...sections.flatMap(([title, options]) => [
      `.SH ${roff(title.toUpperCase())}`,
      ...options.map(({ name, describes, initial, summary, note }) => {
        const value = describes === '' ? '' : ` ${describes}`
        const told = initial === '' ? '' : ` Default: ${initial}.`
        return item(`${name}${value}`, `${summary}${told} ${note}`.trim())
      }),
    ]),
    '.SH SEE ALSO',
    '.BR mozzie (1)',
    '',
  ].join('\n')
}

/** mozzie(1) */
export function commandManual(): string {
  return [
    '.TH MOZZIE 1',
    '.SH NAME',
    'mozzie \\- MQTT broker and tools',
    '.SH SYNOPSIS',
    '.B mozzie',
    roff('[-c FILE] [-p PORT] [OPTION]...'),
    '.br',
    '.B mozzie',
    roff('COMMAND [WORD]...'),
    '.SH OPTIONS',
    ...BROKER_FLAGS.map(({ names, operand, help }) =>
      item(`${names.join(', ')}${operand === null ? '' : ` ${operand}`}`, help),
    ),
    '.SH COMMANDS',
    roff('"mozzie help COMMAND" tells more of each.'),
    ...Object.entries(COMMAND_SUMMARIES).map(([name, text]) => item(name, text)),
    '.SH SIGNALS',
    item('HUP', 'opens the log files again, reads the configuration again'),
    item('USR2', 'prints the tree of subscriptions to standard output'),
    item('TERM, INT', 'stop the broker'),
    '.SH EXIT STATUS',
    roff(
      '0 stopped; 1 a port or the store is not to be had; 3 the configuration, the command line',
    ),
    roff('or an account is wrong; 14 the pid file cannot be written.'),
    '.SH SEE ALSO',
    '.BR mozzie.conf (5),',
    ...Object.keys(COMMAND_SUMMARIES)
      .filter((name) => name !== 'broker')
      .map(
        (name, index, { length }) =>
          `.BR ${roff(`mozzie-${name}`)} (1)${index < length - 1 ? ',' : ''}`,
      ),
    '',
  ].join('\n')
}
