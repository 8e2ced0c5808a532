/** `mozzie bench`: load for any broker, and what it makes of it. */
import { BenchUsageError, parseBench, type BenchOptions } from './bench/options.ts'
import { figuresOf, LiveLine, reportText } from './bench/report.ts'
import { runThreads } from './bench/threads.ts'

const USAGE_EXIT_CODE = 2
const FAILED_EXIT_CODE = 1

export const HELP = `Usage: mozzie bench conn|pub|sub|flow [OPTION]...

Puts load on a broker and says how it bears it.

  conn   opens connections and holds them
  pub    publishes; times acknowledgements at QoS 1 and 2
  sub    subscribes and counts what comes
  flow   publishers and subscribers together; times deliveries, counts losses

Way to the broker:
  -h, --host HOST           127.0.0.1 unless given
  -p, --port PORT           1883, with TLS 8883
  -L, --url URL             mqtt://, mqtts://, ws://, wss:// or unix:// in one
  -u, --username NAME       user name; -P, --pw PASSWORD
      --cafile FILE         TLS, with these authorities
      --insecure            TLS, and any certificate will do
  -V, --mqtt-version V      31, 311 or 5 (5)

Load:
  -c, --clients N           publishers, subscribers or both (10)
      --publishers N        in a flow, how many of each
      --subscribers N
      --ramp N              connections opened a second (1000)
  -t, --topic TOPIC         %i is the number of the client (bench/%i)
  -q, --qos QOS             0, 1 or 2 (0)
  -s, --size BYTES          of a payload (64)
  -r, --retain
      --rate N              open loop: messages a second in all, timed from when they are due
      --window N            closed loop: messages under way for each publisher (100)
  -d, --duration TIME       10s unless given; also 500ms, 2m
      --warm-up TIME        not measured (1s)
      --threads N           threads that share the load (1)

Result:
      --json                one JSON object instead of text; times in µs
      --quiet               no line while it runs
      --fail-if BOUND       exit code 1 when it holds: p99>20ms, rate<10000, lost>0, errors>0, sent-rate, max …

Examples:
  mozzie bench flow                                   10 pairs as fast as it goes
  mozzie bench flow -q 1 --rate 5000 --fail-if 'p99>20ms'
  mozzie bench conn -c 10000 --ramp 2000 -d 30s       does it hold 10,000 connections?
  mozzie bench pub -c 50 -q 1 -L mqtts://broker.example --cafile ca.crt
`

async function run(options: BenchOptions): Promise<number> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal)
  process.once('SIGTERM', onSignal)
  const live = new LiveLine(options)
  const outcome = await runThreads(options.load, options.threads, stop.signal, (total) =>
    live.show(total),
  )
  live.clear()
  const figures = figuresOf(options, outcome)
  const { problem, connected } = outcome.total
  if (options.json) process.stdout.write(`${JSON.stringify({ ...figures, problem })}\n`)
  else process.stdout.write(reportText(options, figures, problem))
  let code = connected === 0 ? FAILED_EXIT_CODE : 0
  for (const { text, figure, holds } of options.bounds) {
    if (!holds(figures[figure])) continue
    process.stderr.write(`Failed: ${text} (${figure} is ${figures[figure]}).\n`)
    code = FAILED_EXIT_CODE
  }
  return code
}

/** Runs `mozzie bench` with the words behind it. Exit code 1: nothing connected or a bound held; 2: usage. */
export async function runBench(words: readonly string[]): Promise<void> {
  if (words.includes('--help') || words.length === 0) return void process.stdout.write(HELP)
  try {
    process.exitCode = await run(parseBench(words))
  } catch (error) {
    if (!(error instanceof BenchUsageError)) {
      process.stderr.write(`Error: ${(error as Error).message}\n`)
      process.exitCode = FAILED_EXIT_CODE
      return
    }
    process.stderr.write(`Error: ${error.message}.\nTry "mozzie bench --help".\n`)
    process.exitCode = USAGE_EXIT_CODE
  }
}
