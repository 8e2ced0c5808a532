/**
 * Loaded before a broker's own code (`node --import`): the process dies at one call of the engine.
 * `MOZZIE_ENGINE_CRASH`: `KIND NUMBER before|after`, kinds as in `engine-calls.ts`. After: the server has it, and we know nothing of that.
 */
import { ProtocolHandler } from '@nats-io/nats-core/internal'
import { kindOf } from './engine-calls.ts'

const [wanted, number, when] = (process.env['MOZZIE_ENGINE_CRASH'] ?? '').split(' ')
let left = Number(number)

const { prototype } = ProtocolHandler
// oxlint-disable-next-line typescript/unbound-method -- called on its own object below
const { publish } = prototype

prototype.publish = function (subject, data, options) {
  const bytes = data === undefined ? 0 : Buffer.byteLength(data)
  const isIt = left > 0 && kindOf(subject, bytes) === wanted && --left === 0
  if (isIt && when === 'before') die()
  publish.call(this, subject, data, options)
  if (isIt) void this.flush().then(die)
}

function die(): void {
  process.kill(process.pid, 'SIGKILL')
  // The signal is on its way: nothing else may happen.
  for (;;);
}
