// Holds the layer table (ARCHITECTURE.md) against the imports of src/, type imports included: who may
// import whom, where Node is out of bounds, and no cycles between files.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

const adapters = ['base', 'codec', 'topics', 'ports']

/** folder: what it may import besides itself; `node`: may it use Node; `globals`: files with timers and chance, but without Node. */
const LAYERS = {
  base: { may: [], node: false },
  codec: { may: ['base'], node: false },
  topics: { may: ['base'], node: false },
  ports: { may: ['base', 'codec', 'topics'], node: false },
  broker: { may: ['base', 'codec', 'topics', 'ports'], node: false },
  config: { may: ['base'], node: ['files.ts'] },
  transports: { may: adapters, node: true },
  auth: { may: adapters, node: true },
  store: { may: adapters, node: true },
  telemetry: { may: adapters, node: true },
  client: {
    may: ['base', 'codec', 'topics'],
    node: ['node.ts', 'node-socket.ts', 'node-tls.ts', 'node-websocket.ts', 'node-proxy.ts'],
    globals: ['web.ts'],
  },
  admin: { may: [...adapters, 'broker', 'telemetry'], node: true },
  server: {
    may: [...adapters, 'broker', 'config', 'transports', 'auth', 'store', 'telemetry', 'admin'],
    node: true,
  },
  cli: {
    may: [...adapters, 'client', 'config', 'auth', 'store', 'server'],
    node: true,
  },
  '': {
    may: [...adapters, 'broker', 'transports', 'auth', 'store', 'telemetry', 'server'],
    node: true,
  },
}

/** Rooms inside a layer, the lowest floor first: each may import from those before it. Files beside the rooms stand above all. */
const FLOORS = {
  broker: ['state', 'delivery', 'routing', 'session', 'connection'],
}

/** Floor of a file within its layer: larger is higher; -1: no room of the table. */
function floorOf(path, rooms) {
  const parts = relative('src', path).split('/')
  return parts.length === 2 ? rooms.length : rooms.indexOf(parts[1])
}

const PURE_WORDS =
  /\b(Date\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.|Buffer\b)/

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return entry.name.endsWith('.ts') ? [path] : []
  })
}

function layerOf(path) {
  const parts = relative('src', path).split('/')
  return parts.length === 1 ? '' : parts[0]
}

const problems = []
const graph = new Map()

for (const path of sources('src')) {
  const text = readFileSync(path, 'utf8')
  const layer = layerOf(path)
  const rules = LAYERS[layer]
  if (rules === undefined) {
    problems.push(`${path}: folder '${layer}' is not in the layer table`)
    continue
  }
  if (FLOORS[layer] !== undefined && floorOf(path, FLOORS[layer]) < 0)
    problems.push(`${path}: its folder is no room of '${layer}'`)
  const name = path.split('/').at(-1)
  const mayUseNode = rules.node === true || (Array.isArray(rules.node) && rules.node.includes(name))
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const word = PURE_WORDS.exec(code.replace(/'(?:[^'\\\n]|\\.)*'|`[^`]*`/g, "''"))
  const mayUseGlobals = mayUseNode || rules.globals?.includes(name)
  if (!mayUseGlobals && word) problems.push(`${path}: '${word[0]}' has no place in a pure layer`)
  const targets = []
  for (const [, target] of text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)) {
    if (!target.startsWith('.')) {
      if (!mayUseNode) problems.push(`${path}: imports '${target}', the layer is pure`)
      continue
    }
    const file = normalize(join(dirname(path), target))
    targets.push(file)
    const other = layerOf(file)
    if (other !== layer && !rules.may.includes(other))
      problems.push(
        `${path}: '${layer || 'entry'}' must not import '${other || 'entry'}' (${target})`,
      )
    const rooms = other === layer ? FLOORS[layer] : undefined
    if (rooms !== undefined && floorOf(file, rooms) > floorOf(path, rooms))
      problems.push(`${path}: imports from a floor above its own (${target})`)
  }
  graph.set(path, targets)
}

const state = new Map()
function visit(path, trail) {
  if (state.get(path) === 'done') return
  if (trail.includes(path)) {
    problems.push(`cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`)
    return
  }
  for (const next of graph.get(path) ?? []) visit(next, [...trail, path])
  state.set(path, 'done')
}
for (const path of graph.keys()) visit(path, [])

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
console.log(`layers: ${graph.size} files, no arrow upwards, no cycle`)
