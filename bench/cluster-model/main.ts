/**
 * `npm run cluster:model`: prints what so many clients need in nodes and nats-servers, and how the model stands against measurements.
 *
 *     --check FILE …              adds what was measured (the output of `npm run cluster:measure`, or of tests/cluster/probe.ts) and writes the pages
 *     --fit FEW MANY RUN LARGER   takes the constants from two probes and two outputs of `cluster:measure sessions`, and writes the pages
 *     --write                     writes the pages
 *
 * Runs at the root of the repository.
 */
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { fit } from './fit.ts'
import { merge, readMeasured, type Measured } from './measured.ts'
import { PAGES, tables } from './page.ts'
import { CHECKED, CONSTANTS, pageOf, readChecked, results, type ConstantsFile } from './results.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    check: { type: 'boolean', default: false },
    fit: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

/** As prettier wants it: short lists of numbers in one line. */
function save(file: string, value: unknown): void {
  const text = JSON.stringify(value, null, 2).replaceAll(
    /\[\s+(\d[\d,\s]*\d)\s+\]/g,
    (_, list: string) => `[${list.replaceAll(/\s+/g, ' ')}]`,
  )
  writeFileSync(file, `${text}\n`)
}

function measuredIn(file: string): Measured {
  return readMeasured(readFileSync(file, 'utf8'), statSync(file).mtime.toISOString())
}

function refit(): void {
  const [few, many, run, larger] = positionals.map(measuredIn)
  const probes = [few.probes[0], many.probes[0]]
  const runs = [run.sessions[0], larger.sessions[0]]
  const ofProbes = `tests/cluster/probe.ts with ${probes.map(({ nodes }) => nodes).join(' and ')} nodes, ${probes[0].when.slice(0, 16)}`
  const [ofRun, ofLarger] = runs.map(
    ({ sessions, when }) => `cluster:measure sessions --sessions ${sessions}, ${when.slice(0, 16)}`,
  )
  const file: ConstantsFile = {
    machine: `${cpus().length} cores, ${cpus()[0].model}, Node ${process.versions.node}; 3 nats-servers and all nodes on it`,
    from: {
      message: ofProbes,
      durable: ofProbes,
      clean: ofProbes,
      idle: ofProbes,
      'bytes.connection': ofProbes,
      'durable.resume': ofRun,
      'bytes of node, server and sessions': `${ofRun}; ${ofLarger}`,
      hopUs: `the median SUBACK without other load: ${ofProbes}`,
    },
    fittedNodes: probes.map(({ nodes }) => nodes),
    fittedSessions: runs.map(({ sessions }) => sessions),
    constants: fit(probes[0], probes[1], runs[0], runs[1]),
  }
  save(CONSTANTS, file)
  // What they come from says how far they go, at other loads.
  save(CHECKED, [few, many].reduce(merge, readChecked()))
}

if (values.fit) refit()
if (values.check) save(CHECKED, positionals.map(measuredIn).reduce(merge, readChecked()))
const found = results()
if (values.fit || values.check || values.write)
  for (const language of ['en', 'zh'] as const)
    writeFileSync(PAGES[language], pageOf(PAGES[language], language, found))
process.stdout.write(tables(found, 'en'))
