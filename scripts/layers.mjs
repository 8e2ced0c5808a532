// Holds the layer table (ARCHITECTURE.md) against the imports of src/, web/ and bench/, type imports included:
// who may import whom, no arrow from a floor to one above it, where Node is out of bounds, no cycles between files.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { pageProblems } from './layer-page.mjs'

const ADAPTERS = ['base', 'codec', 'topics', 'ports']

/** folder: what it may import besides itself; `node`: may it use Node, or these files of it; `globals`: files with timers and chance, but without Node. */
const LAYERS = {
  base: { may: [], node: false },
  codec: { may: ['base'], node: false },
  topics: { may: ['base'], node: false },
  ports: { may: ['base', 'codec', 'topics'], node: false },
  broker: { may: ['base', 'codec', 'topics', 'ports'], node: false },
  config: { may: ['base', 'ports'], node: ['files.ts', 'read-whole.ts'] },
  transports: { may: ADAPTERS, node: true },
  auth: { may: ADAPTERS, node: true },
  store: { may: ADAPTERS, node: true },
  threads: { may: ADAPTERS, node: true },
  cluster: { may: [...ADAPTERS, 'store'], node: true },
  telemetry: { may: ADAPTERS, node: true },
  client: {
    may: ['base', 'codec', 'topics'],
    node: ['node.ts', 'node-*.ts'],
    globals: ['web.ts', 'scram.ts'],
  },
  bridge: { may: [...ADAPTERS, 'client'], node: false },
  admin: { may: [...ADAPTERS, 'broker', 'telemetry'], node: true },
  server: {
    may: [
      ...ADAPTERS,
      'broker',
      'config',
      'transports',
      'auth',
      'store',
      'threads',
      'cluster',
      'telemetry',
      'admin',
      'client',
      'bridge',
    ],
    node: true,
  },
  cli: {
    may: [...ADAPTERS, 'client', 'admin', 'config', 'transports', 'auth', 'store', 'server'],
    node: true,
  },
  '': {
    may: [...ADAPTERS, 'broker', 'transports', 'auth', 'store', 'telemetry', 'server'],
    node: true,
  },
}

/**
 * Trees with rooms, the lowest floor first: a file may import from its own room and the floors before it. Rooms on
 * one floor do not see each other. Files beside the rooms stand on the floor '', on top of all where that is not
 * named. `src`: what of src/ the tree may import.
 */
const TREES = {
  'src/broker': { floors: [['state'], ['delivery'], ['routing'], ['session'], ['connection']] },
  'web/src': {
    floors: [
      ['styles', 'model'],
      ['i18n'],
      ['ui', 'decode'],
      ['publish'],
      ['protocol'],
      ['capture'],
      ['worker', 'state'],
      ['broker', 'client'],
      ['shell'],
    ],
    src: ['codec', 'topics', 'client', 'admin'],
  },
  bench: {
    floors: [['load', 'targets', 'cluster-model'], [''], ['client']],
    src: ['client', 'codec', 'base', 'topics', 'cluster', 'transports'],
  },
  'examples/price-tags': {
    floors: [['model'], ['render'], ['simulator', 'service'], ['']],
    src: [],
  },
}

const PURE_WORDS =
  /\b(Date\.now|Math\.random|setTimeout|setInterval|setImmediate|process\.|Buffer\b)/

const problems = []

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/.test(entry.name) ? [path] : []
  })
}

/** What a file names in its imports, dynamic ones too: relative ones as paths of the project. */
function importsOf(path, text) {
  return [...text.matchAll(/\b(?:from|import)\s*\(?'([^']+)'/g)].map(([, target]) => ({
    target,
    file: target.startsWith('.') ? normalize(join(dirname(path), target)) : null,
  }))
}

/** `wanted`: a name, or its beginning and end with a `*` between. */
function isLike(name, wanted) {
  const [begin, end] = wanted.split('*')
  if (end === undefined) return name === wanted
  return name.startsWith(begin) && name.endsWith(end)
}

/** First folder below `root`; '': the file lies beside the folders. */
function folderOf(path, root) {
  const parts = relative(root, path).split('/')
  return parts.length === 1 ? '' : parts[0]
}

function checkLayer(path, text, imports) {
  const layer = folderOf(path, 'src')
  const rules = LAYERS[layer]
  if (rules === undefined)
    return problems.push(`${path}: folder '${layer}' is not in the layer table`)
  const name = path.split('/').at(-1)
  const mayUseNode =
    rules.node === true ||
    (Array.isArray(rules.node) && rules.node.some((wanted) => isLike(name, wanted)))
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  const word = PURE_WORDS.exec(code.replace(/'(?:[^'\\\n]|\\.)*'|`[^`]*`/g, "''"))
  const mayUseGlobals = mayUseNode || rules.globals?.includes(name)
  if (!mayUseGlobals && word) problems.push(`${path}: '${word[0]}' has no place in a pure layer`)
  for (const { target, file } of imports) {
    if (file === null) {
      if (!mayUseNode) problems.push(`${path}: imports '${target}', the layer is pure`)
      continue
    }
    const other = folderOf(file, 'src')
    if (other !== layer && !rules.may.includes(other))
      problems.push(
        `${path}: '${layer || 'entry'}' must not import '${other || 'entry'}' (${target})`,
      )
  }
}

function checkFloors(root, { floors, src }, path, imports) {
  const floorOf = (file) => {
    const room = folderOf(file, root)
    const floor = floors.findIndex((rooms) => rooms.includes(room))
    return floor < 0 && room === '' ? floors.length : floor
  }
  const floor = floorOf(path)
  if (floor < 0) return problems.push(`${path}: its folder is no room of ${root}`)
  for (const { target, file } of imports) {
    if (file === null) continue
    if (!file.startsWith(`${root}/`)) {
      if (src !== undefined && !src.includes(folderOf(file, 'src')))
        problems.push(`${path}: must not import this of src (${target})`)
      continue
    }
    const isOtherRoom = folderOf(file, root) !== folderOf(path, root)
    if (isOtherRoom && floorOf(file) >= floor)
      problems.push(`${path}: imports from a floor that is not below its own (${target})`)
  }
}

const graph = new Map()
for (const path of ['src', 'web/src', 'bench', 'examples'].flatMap(sources)) {
  const text = readFileSync(path, 'utf8')
  const imports = importsOf(path, text)
  if (path.startsWith('src/')) checkLayer(path, text, imports)
  for (const [root, rules] of Object.entries(TREES))
    if (path.startsWith(`${root}/`)) checkFloors(root, rules, path, imports)
  graph.set(
    path,
    imports.flatMap(({ file }) => file ?? []),
  )
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

problems.push(...pageProblems(LAYERS, TREES))
for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exit(1)
console.log(`layers: ${graph.size} files, no arrow upwards, no cycle`)
