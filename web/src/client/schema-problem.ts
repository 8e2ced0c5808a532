/** What is wrong with a schema, said where it is written: at a payload it would be said much later. */
import { useEffect, useState } from 'react'
import type { Schema } from '../model/settings.ts'

const REST_MS = 300

const CHECKS: Record<Schema['kind'], () => Promise<(schema: Schema) => void>> = {
  protobuf: async () => (await import('../decode/protobuf.ts')).checkProtobuf,
  avro: async () => (await import('../decode/avro.ts')).checkAvro,
}

async function problemOf(schema: Schema): Promise<string | null> {
  if (schema.source.trim() === '') return null
  // A broker that is gone has no part to give: nothing is known then.
  const check = await CHECKS[schema.kind]().catch(() => null)
  try {
    check?.(schema)
    return null
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** When the typing rests; null: nothing, or not known. */
export function useSchemaProblem({ kind, messageType }: Schema, source: string): string | null {
  const [problem, setProblem] = useState<string | null>(null)
  useEffect(() => {
    let isStale = false
    const timer = setTimeout(() => {
      void problemOf({ id: '', name: '', kind, messageType, source }).then((found) => {
        if (!isStale) setProblem(found)
      })
    }, REST_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [kind, messageType, source])
  return problem
}
