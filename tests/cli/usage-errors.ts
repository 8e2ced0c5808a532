import type { Tool } from '../../src/cli/mqtt/settings.ts'

/** A command line that no tool takes. */
export interface UsageError {
  readonly tool: Tool
  readonly words: readonly string[]
  readonly error: string
  /** mosquitto's tools of 2.0 say it otherwise, or not at all. */
  readonly unlikeDebian?: true
}

function row(tool: Tool, words: string, error: string, unlikeDebian?: true): UsageError {
  const split = words === '' ? [] : words.split(' ')
  return { tool, words: split, error: `Error: ${error}`, ...(unlikeDebian && { unlikeDebian }) }
}

// prettier-ignore
export const usageErrors: readonly UsageError[] = [
  row('pub', '-p', '-p argument given but no port specified.'),
  row('pub', '-p 70000', 'Invalid port given: 70000'),
  row('pub', '-p -1', 'Invalid port given: -1'),
  row('pub', '-p abc', 'Invalid port given: abc', true),
  row('pub', '-p 0', 'Invalid port given: 0', true),
  row('pub', '-t a+ -m x', "Invalid publish topic 'a+', does it contain '+' or '#'?"),
  row('pub', '-t a/# -m x', "Invalid publish topic 'a/#', does it contain '+' or '#'?"),
  row('pub', '-q 3', 'Invalid QoS given: 3'),
  row('pub', '--foo', "Unknown option '--foo'."),
  row('pub', '-C 1', "Unknown option '-C'."),
  row('pub', '-t a -m x -n', 'Only one type of message can be sent at once.'),
  row('pub', '-t a -f x -l', 'Only one type of message can be sent at once.'),
  row('pub', '-k 2', 'Invalid keepalive given, it must be between 5 and 65535 inclusive.'),
  row('pub', '-k 65536', 'Invalid keepalive given, it must be between 5 and 65535 inclusive.'),
  row('pub', '-V 9', 'Invalid protocol version argument given.'),
  row('pub', '-i a -I b', '-i and -I argument cannot be used together.'),
  row('pub', '-I a -i b', '-i and -I argument cannot be used together.'),
  row('pub', '-c -t a -m x', 'You must provide a client id if you are using the -c option.'),
  row('sub', '-c -t a -I x', 'You must provide a client id if you are using the -c option.'),
  row('sub', '-x -1 -t a', 'You must provide a client id if you are using an infinite session expiry interval.', true),
  row('sub', '-c -V mqttv5 -t a', 'You must provide a client id if you are using an infinite session expiry interval.'),
  row('pub', '-L http://x/y', 'Unsupported URL scheme.', true),
  row('pub', '-L mqtt://x', 'Invalid URL for -L argument specified - topic missing.'),
  row('sub', '-L', '-L argument given but no URL specified.'),
  row('sub', '', 'You must specify a topic to subscribe to (-t) or unsubscribe from (-U).', true),
  row('sub', '-t a#', "Invalid subscription topic 'a#', are all '+' and '#' wildcards correct?"),
  row('sub', '-t a+/b', "Invalid subscription topic 'a+/b', are all '+' and '#' wildcards correct?"),
  row('sub', '-U a#', "Invalid unsubscribe topic 'a#', are all '+' and '#' wildcards correct?"),
  row('sub', '-T a#', "Invalid filter topic 'a#', are all '+' and '#' wildcards correct?"),
  row('sub', '-t a -C 0', 'Invalid message count "0".'),
  row('sub', '-t a -W 0', 'Invalid timeout "0".'),
  row('sub', '-t a -F %y', "Invalid format specifier 'y'."),
  row('sub', '-t a -F %', 'Incomplete format specifier.'),
  row('sub', '-t a -F @', 'Incomplete format specifier.'),
  row('sub', '-t a -F \\q', "Invalid escape specifier 'q'."),
  row('sub', '-t a -F \\', 'Incomplete escape specifier.'),
  row('sub', '-t a -R --retained-only', "Combining '-R' and '--retained-only' makes no sense."),
  row('sub', '-t a --random-filter 0', '--random-filter chance must be between 0.1-100.0'),
  row('sub', '-t a --random-filter 101', '--random-filter chance must be between 0.1-100.0', true),
  row('pub', '-D', '--property argument given but not enough arguments specified.'),
  row('pub', '-D publish user-property k', '--property argument given but not enough arguments specified.'),
  row('pub', '-D connect foo 1', 'Invalid property name given in --property argument.'),
  row('pub', '-D foo user-property 1 2', 'Invalid command given in --property argument.'),
  row('pub', '-D puback user-property a b', 'user-property property not supported for puback in --property argument.'),
  row('pub', '-D connect content-type x', 'content-type property not allowed for connect in --property argument.'),
  row('pub', '-D publish subscription-identifier 1', 'subscription-identifier property not allowed for publish in --property argument.', true),
  row('pub', '-D publish topic-alias 99999', 'Property value (99999) out of range for property topic-alias.'),
  row('pub', '-D connect receive-maximum -1', 'Property value (-1) out of range for property receive-maximum.'),
  row('pub', '-x foo', 'session-expiry-interval not a number.'),
  row('pub', '-x -2', 'session-expiry-interval out of range.'),
  row('pub', '-x 4294967296', 'session-expiry-interval out of range.'),
  row('pub', '--will-payload x -t a -m x', 'Will payload given, but no will topic given.'),
  row('pub', '--will-retain -t a -m x', 'Will retain given, but no will topic given.'),
  row('pub', '--will-topic a/#', "Invalid will topic 'a/#', does it contain '+' or '#'?"),
  row('pub', '--will-qos 3', 'Invalid will QoS 3.'),
  row('pub', '--cert x -t a -m x', 'Both certfile and keyfile must be provided if one of them is set.'),
  row('pub', '--keyform pem -t a -m x', 'If keyform is set, keyfile must be also specified.'),
  row('pub', '--psk 00 -t a -m x', '--psk-identity required if --psk used.'),
  row('pub', '--psk 00 --cafile x -t a -m x', 'Only one of --psk or --cafile/--capath may be used at once.'),
  row('pub', '--proxy http://x -t a -m x', 'Unsupported proxy protocol: http://x'),
  row('pub', '-M 0', 'Maximum inflight messages must be greater than 0.'),
  row('pub', '--repeat 0', '--repeat argument must be >0.'),
  row('pub', '--repeat-delay -1', '--repeat-delay argument must be >=0.0.'),
  row('rr', '-t a -e b/# -m x', "Invalid response topic 'b/#', does it contain '+' or '#'?"),
  row('pub', '-t a\tb -m x', 'Malformed UTF-8 in -t argument.'),
  row('sub', '-t a\u0085b', 'Malformed UTF-8 in -t argument.'),
  row('sub', '-t a\ufffe', 'Malformed UTF-8 in -t argument.'),
]
