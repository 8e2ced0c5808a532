/** Values that are topics, or parts of them. */
import type { AutoSubscription } from '../ports/limits.ts'
import { ValueError } from './config-error.ts'
import { words } from './lexer.ts'
import { custom, mqttText, readInteger, type ValueType } from './value-types.ts'

/** One level of a topic, without wildcards. */
export const topicLevel: ValueType<string> = {
  ...mqttText('topic level'),
  read(name, rest) {
    const value = mqttText('topic level').read(name, rest)
    if (/[/+#]/.test(value))
      throw new ValueError(`"${name}" must be one level of a topic, not "${value}".`)
    return value
  },
}

/** `FILTER [QOS]`. */
export const autoSubscription = custom('FILTER [QOS]', (name, rest): AutoSubscription => {
  const [filter, qos = '0', more] = words(rest.trim())
  if (more !== undefined) throw new ValueError(`"${name}" has a filter and a QoS, no "${more}".`)
  const problem = filterProblem(filter)
  if (problem !== null) throw new ValueError(`"${name}" value "${filter}": ${problem}.`)
  return { filter, qos: readInteger(`${name} QoS`, qos, 0, 2) as AutoSubscription['qos'] }
})

/** The rules of topic filters (MQTT 5.0, 4.7.1); null: none is broken. */
function filterProblem(filter: string): string | null {
  const levels = filter.split('/')
  const wrong = levels.find((level) => level.length > 1 && /[+#]/.test(level))
  if (wrong !== undefined) return `"${wrong}" is no level of a filter`
  const hash = levels.indexOf('#')
  if (hash >= 0 && hash < levels.length - 1) return '"#" stands at the end only'
  return null
}
