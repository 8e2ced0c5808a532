/** A load in this thread, or shared out over several. */
import { readFileSync } from 'node:fs'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { dialUrl, type NodeConnectOptions } from '../../client/node.ts'
import { Counters } from './counters.ts'
import { Histogram } from './histogram.ts'
import { Load } from './load.ts'
import type { LoadOptions } from './options.ts'

/** What a thread says of itself, a few times a second and at the end. */
export interface Snapshot {
  readonly total: Counters
  /** Only in the last one: the counters at the begin and the end of the measured time. */
  readonly measured: { before: Counters; after: Counters; ms: number } | null
}

interface Job {
  readonly options: LoadOptions
  readonly thread: number
  readonly threads: number
}

const REPORT_MS = 250

function dialOptions({ caFile, insecure, version }: LoadOptions): NodeConnectOptions {
  const ca = caFile === null ? {} : { ca: readFileSync(caFile) }
  return { version, tls: { ...ca, verify: !insecure } }
}

/** Runs one thread's share; `say` gets snapshots, the last one with what was measured. */
async function runShare(
  { options, thread, threads }: Job,
  say: (snapshot: Snapshot) => void,
  isStopped: () => boolean,
): Promise<void> {
  const load = new Load(options, dialUrl(options.url, dialOptions(options)), thread, threads)
  const timer = setInterval(() => say({ total: load.counters, measured: null }), REPORT_MS)
  try {
    await load.start({ measuring: () => {}, isStopped })
  } finally {
    clearInterval(timer)
  }
  const { before, after, measuredMs: ms } = load
  say({ total: load.counters, measured: { before, after, ms } })
}

/** Counters that came as plain data from another thread. */
function revive(plain: Counters): Counters {
  const histogram = ({ counts, total, maxUs }: Histogram): Histogram =>
    Object.assign(new Histogram(counts), { total, maxUs })
  const { connectTimes, latency } = plain
  return Object.assign(new Counters(), plain, {
    connectTimes: histogram(connectTimes),
    latency: histogram(latency),
  })
}

/**
 * Runs the load; `onSnapshot` gets the sum of all threads a few times a second. Resolves to the sum of what they measured.
 */
export async function runThreads(
  options: LoadOptions,
  threads: number,
  stop: AbortSignal,
  onSnapshot: (total: Counters) => void,
): Promise<{ total: Counters; before: Counters; after: Counters; ms: number }> {
  const latest: (Snapshot | null)[] = Array.from({ length: threads }, () => null)
  const sum = (pick: (snapshot: Snapshot) => Counters | undefined): Counters => {
    const all = new Counters()
    for (const snapshot of latest) {
      const part = snapshot === null ? undefined : pick(snapshot)
      if (part !== undefined) all.add(part)
    }
    return all
  }
  const say = (thread: number, snapshot: Snapshot): void => {
    latest[thread] = snapshot
    onSnapshot(sum(({ total }) => total))
  }
  const jobs = Array.from({ length: threads }, (_, thread) => ({ options, thread, threads }))
  if (threads === 1)
    await runShare(
      jobs[0],
      (each) => say(0, each),
      () => stop.aborted,
    )
  else await Promise.all(jobs.map((job) => runWorker(job, stop, (each) => say(job.thread, each))))
  return {
    total: sum(({ total }) => total),
    before: sum(({ measured }) => measured?.before),
    after: sum(({ measured }) => measured?.after),
    ms: Math.max(...latest.map((snapshot) => snapshot?.measured?.ms ?? 0)),
  }
}

function runWorker(job: Job, stop: AbortSignal, say: (snapshot: Snapshot) => void): Promise<void> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { benchJob: job } })
  stop.addEventListener('abort', () => worker.postMessage('stop'))
  worker.on('message', ({ total, measured }: Snapshot) =>
    say({
      total: revive(total),
      measured: measured && {
        before: revive(measured.before),
        after: revive(measured.after),
        ms: measured.ms,
      },
    }),
  )
  return new Promise((resolve, reject) => {
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}

const job = isMainThread ? undefined : (workerData as { benchJob?: Job } | null)?.benchJob
if (job !== undefined) {
  let stopped = false
  parentPort?.on('message', () => (stopped = true))
  void runShare(
    job,
    (snapshot) => parentPort?.postMessage(snapshot),
    () => stopped,
  ).then(() => parentPort?.close())
}
