/** How sub and rr print a message: plainly, with its topic, as `-F` says, as JSON lines, or on a screen of topics. */
import { parseFormat, type Piece } from './format.ts'
import { printFormat, type Print } from './format-print.ts'
import { indentJson } from './json-text.ts'
import { messageJsonLine } from './message-json.ts'
import { printsJson } from './payload-format.ts'
import type { Settings } from './settings.ts'
import type { ShownMessage } from './shown-message.ts'

const encoder = new TextEncoder()
const WATCHED_TOPICS_MAX = 10_000

type PrintMessage = (out: Print, message: ShownMessage) => void

function plain({ verbose, newline }: Settings): PrintMessage {
  const end = newline ? '\n' : ''
  return (out, { topic, shown }) => {
    if (shown.length === 0) {
      if (!verbose || !newline) return
      out.foreign(encoder.encode(topic), false)
      out.text(' (null)\n')
      return
    }
    if (verbose) {
      out.foreign(encoder.encode(topic), false)
      out.text(' ')
    }
    out.foreign(shown, true)
    out.text(end)
  }
}

function formatted(pieces: readonly Piece[], { pretty, newline }: Settings): PrintMessage {
  return (out, message) => {
    printFormat(out, pieces, message, { pretty })
    if (newline) out.text('\n')
  }
}

function jsonLines({ pretty, payloadFormat }: Settings): PrintMessage {
  const isJsonPayload = printsJson(payloadFormat)
  return (out, message) => {
    const json = messageJsonLine(message, isJsonPayload)
    out.json(`${pretty ? indentJson(json) : json}\n`)
  }
}

/** Each topic keeps the line that it got when it first came; topics below the end of the screen are not shown. */
function watched(host: string, print: PrintMessage): PrintMessage {
  const rows = new Map<string, number>()
  let isCleared = false
  return (out, message) => {
    if (!isCleared) out.text(`\u001b[2J\u001b[1;1HBroker: ${host}\n`)
    isCleared = true
    const row = rows.get(message.topic) ?? rows.size + 2
    if (rows.size < WATCHED_TOPICS_MAX) rows.set(message.topic, row)
    const height = process.stdout.rows
    if (row > (height > 0 ? height : WATCHED_TOPICS_MAX)) return
    out.text(`\u001b[${row};1H\u001b[2K`)
    print(out, message)
  }
}

/** The way of printing that `settings` ask for. */
export function messagePrinter(settings: Settings): PrintMessage {
  const own = settings.watch ? { ...settings, newline: false } : settings
  const format = settings.format === null ? null : parseFormat(settings.format)
  let print = plain(own)
  if (settings.output === 'jsonl') print = jsonLines(settings)
  else if (format !== null && format.ok) print = formatted(format.pieces, own)
  return settings.watch ? watched(settings.host ?? 'localhost', print) : print
}
