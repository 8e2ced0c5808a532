/** Changes the file of its argument without end; says each change when it is answered. For crash.test.ts, which kills it. */
import { readFileSync, writeSync } from 'node:fs'
import { DynamicSecurity } from '../../../src/auth/dynamic/dynamic-security.ts'
import { readState } from '../../../src/auth/dynamic/read-state.ts'

const file = process.argv[2]
const dynamic = new DynamicSecurity(file, readState(readFileSync(file, 'utf8'), file).state)
const world = {
  hashPassword: () => Promise.reject(new Error('no passwords here')),
  connections: () => new Map<string, never>(),
  changed: () => {},
  failed: (error: Error) => {
    throw error
  },
}
for (;;) {
  const { changeIndex } = dynamic.state
  const command = changeIndex % 2 === 0 ? 'createRole' : 'deleteRole'
  const [{ error }] = (await dynamic.execute([{ command, rolename: 'now and then' }], world))
    .responses
  if (error !== undefined) throw new Error(error)
  writeSync(1, `${dynamic.state.changeIndex}\n`)
}
