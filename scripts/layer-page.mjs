/** Holds ARCHITECTURE.md to the tables of scripts/layers.mjs: who may import whom, where Node is, the rooms and their floors. */
import { readFileSync } from 'node:fs'

const page = readFileSync('ARCHITECTURE.md', 'utf8')

const quoted = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word)
const listed = (names) => (names.length === 0 ? '–' : names.toSorted().join(', '))
const files = (names) => names.map((name) => `\`${name}\``).join(', ')

/** What the column "Node" says of a layer. */
function nodeOf({ node, globals }) {
  if (node === true) return 'yes'
  const where = node === false ? 'no' : `${files(node)} only`
  return globals === undefined ? where : `${where}; a browser's globals: ${files(globals)}`
}

/** Rows of the table with the columns folder, what, may import, Node. */
function rows() {
  const table = page
    .slice(page.indexOf('| folder | what it is | may import | Node |'))
    .split('\n\n')[0]
  const cells = table.split('\n').slice(2)
  return new Map(
    cells
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map((row) => [quoted(row[1])[0], row]),
  )
}

/** What the table of layers says that is not true. */
function layerProblems(layers) {
  const table = rows()
  const problems = []
  for (const [folder, rules] of Object.entries(layers)) {
    const name = folder === '' ? 'index.ts' : folder
    const row = table.get(name)
    table.delete(name)
    if (row === undefined) {
      problems.push(`ARCHITECTURE.md: the table of layers lacks '${name}'`)
      continue
    }
    for (const [is, should] of [
      [listed(row[3].split(', ')), listed(rules.may)],
      [row[4], nodeOf(rules)],
    ])
      if (is !== should)
        problems.push(`ARCHITECTURE.md: '${name}' says "${is}", true is "${should}"`)
  }
  for (const name of table.keys()) problems.push(`ARCHITECTURE.md: there is no layer '${name}'`)
  return problems
}

/** The floors of a tree as the page draws them: a line each, the highest first, `room/` a room. */
function drawnFloors(after) {
  const drawing = page.slice(page.indexOf(after)).split('```')[1] ?? ''
  return drawing
    .split('\n')
    .map((line) => [...line.matchAll(/(\w+)\//g)].map(([, room]) => room))
    .filter((rooms) => rooms.length > 0)
    .toReversed()
}

/** @returns What the page says of `layers` and `trees` that is not true, a line each. */
export function pageProblems(layers, trees) {
  const problems = layerProblems(layers)
  const told = quoted((rows().get('broker') ?? [])[2] ?? '').join(' ')
  const core = trees['src/broker'].floors.map((rooms) => rooms.join(' ')).join(' ')
  if (told !== core) problems.push(`ARCHITECTURE.md: the rooms of the core are ${core}`)
  const shown = drawnFloors('Its rooms, the highest first').map((rooms) => rooms.sort().join(' '))
  const web = trees['web/src'].floors.map((rooms) => rooms.toSorted().join(' '))
  if (shown.join('\n') !== web.join('\n'))
    problems.push(
      `ARCHITECTURE.md: the floors of the page, the lowest first, are ${web.join(' | ')}`,
    )
  return problems
}
