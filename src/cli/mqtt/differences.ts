/** Where pub, sub and rr do something else than mosquitto's tools 2.1.2, on purpose; docs/tools.md prints it. */

export interface Difference {
  readonly what: string
  readonly theirs: string
  readonly ours: string
}

function row(what: string, theirs: string, ours: string): Difference {
  return { what, theirs, ours }
}

export const DIFFERENCES: readonly Difference[] = [
  row('errors', 'one line', 'the same line, and a second one that says what to do'),
  row('topic or message missing', 'the whole help text', 'points to `--help`'),
  row('`-p abc`, `-k 1x`, and other numbers that are none', 'read as far as digits go', 'refused'),
  row('`-t ""`', 'the broker closes the connection', 'refused'),
  row('`--psk-identity` without `--psk`', 'no effect', 'refused'),
  row('`-L` with an IPv6 address, or `@` in the password', 'taken apart wrongly', 'works'),
  row(
    '`%40` in user, password or topic of `-L`',
    'stays `%40`',
    'becomes `@`; a percent sign is `%25`',
  ),
  row('`%40` in `--proxy`', 'becomes `:`', 'becomes `@`'),
  row('options file', '`-D` cannot be used, lines end at 1024 bytes', 'both work'),
  row('`-D connect session-expiry-interval N -c`', 'refused as a repetition', 'N counts'),
  row('NUL in a line of `-l`', 'cuts the line', 'is sent'),
  row('`%j` with NUL in the payload', 'the payload ends there', 'all of it'),
  row(
    '`%j` with bytes that are no UTF-8',
    'output that is no JSON',
    'U+FFFD; `--output jsonl` has them in `payload_base64`',
  ),
  row(
    '`%J`',
    'numbers are rounded to 64-bit floating point',
    'numbers, order and repeated keys stay as they came',
  ),
  row('width and precision of texts in `-F`', 'count bytes', 'count characters'),
  row(
    'the reader of a pipe leaves',
    'is noticed with the next message',
    'ends sub and rr within some seconds (Linux, with GNU tail)',
  ),
  row('control characters on a terminal', 'are obeyed', 'are shown as `\\x1b`; pipes get them raw'),
  row(
    '`-C N`, messages that came behind the last one',
    'acknowledged, so lost (3.1.1)',
    'stay with the broker, if the session is kept',
  ),
  row(
    '`--remove-retained` with `-C` or `--retained-only`',
    'may wait for ever',
    'ends when the messages are cleared',
  ),
  row('`-E` with `-U` and no `-t`', 'waits for ever', 'ends with the UNSUBACK'),
  row(
    'session taken over, 5.0',
    'comes back and throws the other out, in turns',
    'ends with code 7',
  ),
  row('`--nodelay`', 'off unless given', 'always on'),
  row('`--tls-engine`', 'with OpenSSL below 3', 'refused: OpenSSL 3 has no engines'),
  row('packet ids of `-d` at QoS 0', 'counted on', '0: there is none'),
]
