/** Three networks that can be cut off from each other, made where a run asks for such tests. */
import { after } from 'node:test'
import { skipNats } from './nats-servers.ts'
import { makeSpaces } from './spaces.ts'

/** Elections of NATS may take longer than a lease where the machine is slow: not for every run of the suite. */
const asked = process.env.MOZZIE_CLUSTER_PARTITIONS !== undefined || 'npm run cluster:partitions'
const why = asked === true ? skipNats : asked
const made = why === false ? makeSpaces(3) : why
/** For the option `skip` of a test: false, or why there are none. */
export const skip = typeof made === 'string' && made
export const spaces = typeof made === 'string' ? [] : made.spaces
after(() => {
  if (typeof made !== 'string') made.end()
})
