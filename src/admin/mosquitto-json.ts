/**
 * JSON in the shape that mosquitto's library prints: tabs, a tab behind each colon, objects of an array on the line
 * of its bracket. Programs that compare texts find what they know.
 */
export function compatibleJson(value: unknown, depth = 0): string {
  if (Array.isArray(value))
    return `[${value.map((item) => compatibleJson(item, depth + 1)).join(', ')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const indent = '\t'.repeat(depth + 1)
  const lines = Object.entries(value).map(
    ([name, item]) => `${indent}${JSON.stringify(name)}:\t${compatibleJson(item, depth + 1)}`,
  )
  return `{\n${lines.join(',\n')}\n${'\t'.repeat(depth)}}`
}
