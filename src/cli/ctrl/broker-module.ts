/** `mozzie ctrl broker`: what runs. */
import { operands, shown, type CtrlCommand, type CtrlModule } from './command.ts'

type Fields = Record<string, unknown>

function listing(name: string, summary: string, print: CtrlCommand['print']): CtrlCommand {
  return { name, usage: '', summary, build: (words) => operands(words), print }
}

function printPlugin(plugin: Fields): string[] {
  const endpoints = (plugin['control-endpoints'] ?? []) as string[]
  return [
    `Plugin:            ${shown(plugin['name'])}`,
    ...(plugin['version'] === undefined ? [] : [`Version:           ${shown(plugin['version'])}`]),
    ...endpoints.map((topic, at) => `${at === 0 ? 'Control endpoints:' : ' '.repeat(18)} ${topic}`),
    '',
  ]
}

function printListener(listener: Fields, index: number): string[] {
  const { port, protocol, tls } = listener
  const rows: [string, unknown][] = [
    ['Port', port],
    ['Protocol', protocol],
    ['Bind address', listener['bind-address']],
    ['Socket path', listener['socket-path']],
    ['TLS', tls],
  ]
  const set = rows.filter(([, value]) => value !== undefined)
  return [
    `Listener ${index + 1}:`,
    ...set.map(([name, value]) => `  ${`${name}:`.padEnd(14)}${shown(value)}`),
    '',
  ]
}

export const BROKER: CtrlModule = {
  name: 'broker',
  title: 'The broker (needs enable_control_api true)',
  topic: '$CONTROL/broker/v1',
  commands: [
    listing('listPlugins', 'lists plugins, and what stands for them', ({ plugins }) =>
      (plugins as Fields[]).flatMap(printPlugin),
    ),
    listing('listListeners', 'lists the listeners', ({ listeners }) =>
      (listeners as Fields[]).flatMap(printListener),
    ),
  ],
}
