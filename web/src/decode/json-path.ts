/** Values inside JSON payloads by a path such as `$.sensors[0].temperature` or `$["a b"]`. */

/** The steps of a path; null: it is not one. `$` alone is the whole value. */
export function parsePath(path: string): (string | number)[] | null {
  const text = path.trim()
  if (!text.startsWith('$')) return null
  const steps: (string | number)[] = []
  const step = /\.([^.[\]]+)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]/y
  step.lastIndex = 1
  while (step.lastIndex < text.length) {
    const found = step.exec(text)
    if (found === null) return null
    const [, name, index, quoted = ''] = found
    const next = index === undefined ? (name ?? unescaped(quoted)) : Number(index)
    if (next === null) return null
    steps.push(next)
  }
  return steps
}

function unescaped(quoted: string): string | null {
  try {
    return JSON.parse(`"${quoted}"`) as string
  } catch {
    return null
  }
}

/** The path with one more step. */
export function pathStep(path: string, step: string | number): string {
  if (typeof step === 'number') return `${path}[${step}]`
  return /^[^.[\]"\s=<>!]+$/.test(step) ? `${path}.${step}` : `${path}[${JSON.stringify(step)}]`
}
