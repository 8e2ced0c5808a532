/** What is wrong with a configuration file, and how it is said. */
import { escapeControls } from '../base/escape-controls.ts'

/** Where something stands in a configuration file. `line` counts from 1; 0 means the file as a whole. */
export interface ConfigLocation {
  file: string
  line: number
}

/** A configuration file that cannot be used. `message` is one sentence without the location. */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly file: string
  readonly line: number

  constructor(message: string, location: ConfigLocation) {
    super(message)
    this.file = location.file
    this.line = location.line
  }
}

/** What is wrong with one value. The parser knows the place and turns it into a {@link ConfigError}. */
export class ValueError extends Error {
  override name = 'ValueError'
}

/** The two lines that the broker prints: what is wrong, then where. Nothing in them moves a cursor: they quote the file. */
export function formatConfigError(error: ConfigError): string[] {
  const lines = [`Error: ${error.message}`, `Error found at ${error.file}:${error.line}.`]
  return lines.map(escapeControls)
}
