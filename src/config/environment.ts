/** Environment variables in values. */
import { ValueError } from './config-error.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const VARIABLE = /\\(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g

/**
 * Puts environment variables into a value: `${NAME}`, and `${NAME:-otherwise}` for one that may be unset or
 * empty. `\${` stands for `${` itself; what merely looks similar stays.
 *
 * @throws ValueError for a variable that is not set.
 */
export function expandVariables(text: string, environment: Environment): string {
  if (!text.includes('${')) return text
  return text.replace(
    VARIABLE,
    (_match, escaped: string | undefined, name: string, otherwise: string | undefined) => {
      if (escaped !== undefined) return escaped
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      if (value !== undefined && (value !== '' || otherwise === undefined)) return value
      if (otherwise !== undefined) return otherwise
      throw new ValueError(
        `The environment variable "${name}" is not set. ` +
          `Set it, write \${${name}:-value} to do without, or \\\${${name}} for the text itself.`,
      )
    },
  )
}
