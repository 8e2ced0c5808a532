import assert from 'node:assert/strict'
import { ConfigError } from '../../src/config/config-error.ts'
import type { Config, ListenerConfig } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/parse.ts'
import { listenerName } from '../../src/config/reload.ts'

const encoder = new TextEncoder()

/** Parses lines as the file `test.conf`; `directories` are what include_dir finds, by path. */
export function readConfig(
  text: string,
  directories: Record<string, Record<string, string>> = {},
): Config {
  return parseConfig({ file: 'test.conf', bytes: encoder.encode(text) }, (path) =>
    Object.entries(directories[path]).map(([file, content]) => ({
      file,
      bytes: encoder.encode(content),
    })),
  )
}

/** What parsing `text` fails with. */
export function configError(
  text: string,
  directories: Record<string, Record<string, string>> = {},
): ConfigError {
  try {
    readConfig(text, directories)
  } catch (error) {
    assert.ok(error instanceof ConfigError, `not a ConfigError: ${String(error)}`)
    return error
  }
  assert.fail(`no error for: ${text}`)
}

/** `1883 127.0.0.1 open` or `/run/m.sock closed`: where a listener is and whether names are needed. */
export function listenerSummary(listener: ListenerConfig): string {
  return `${listenerName(listener)} ${listener.allowAnonymous ? 'open' : 'closed'}`
}
