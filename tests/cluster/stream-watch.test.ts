/** Streams that cannot be asked about are there until somebody says that they are not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError, NO_STREAM } from '../../src/cluster/failures.ts'
import { StreamWatch } from '../../src/cluster/stream-watch.ts'
import { skipNats, startNats } from './nats-servers.ts'
import { newName, plainWire } from './nodes.ts'

/** Enough for each server to lead some of them. */
const STREAMS = 9
const FROZEN_MS = 4000

test(
  'a stream whose server is silent was not deleted; one that was is named',
  { skip: skipNats },
  async (context) => {
    const nats = await startNats(3)
    context.after(() => nats.stop())
    const wire = await plainWire([nats.urls[0]])
    context.after(() => wire.cut())
    const name = newName()
    for (let at = 0; at < STREAMS; at++) {
      const config = { name: `${name}_${at}`, subjects: [`${name}.${at}`], num_replicas: 3 }
      await wire.api(`STREAM.CREATE.${config.name}`, config)
    }
    const watch = new StreamWatch(wire, name)
    await watch.start()
    for (const server of nats.servers.slice(1)) {
      server.freeze(true)
      try {
        for (const endMs = performance.now() + FROZEN_MS; performance.now() < endMs;)
          await watch.check()
      } finally {
        server.freeze(false)
      }
      await watch.check()
    }
    // A server that has just come back may do it and answer late: asked again, it knows of none.
    await wire.api(`STREAM.DELETE.${name}_4`).catch((error: unknown) => {
      if (!(error instanceof ApiError && error.errCode === NO_STREAM)) throw error
    })
    await assert.rejects(watch.check(), new RegExp(`the stream ${name}_4 was deleted`))
  },
)
