/** Rights of clients whose ids are as long as they can be: nobody has a table filled by inventing them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Acl, allows } from '../../src/auth/acl.ts'
import { parseAclFile } from '../../src/auth/acl-file.ts'
import { DynamicSecurity } from '../../src/auth/dynamic/dynamic-security.ts'
import { readState } from '../../src/auth/dynamic/read-state.ts'
import type { AclSubject } from '../../src/auth/placeholders.ts'

const LONG = 60_000
const CLIENTS = 500
const BYTES_MAX = 8 << 20

const rule = { acltype: 'publishClientSend', topic: '%c/x', priority: 0, allow: true }
const state = {
  clients: [{ username: 'u', roles: [{ rolename: 'own' }] }],
  roles: [{ rolename: 'own', acls: [rule] }],
}
const acl = new Acl(parseAclFile('pattern write %c/x\n', 'acl'))
const dynamic = new DynamicSecurity('none', readState(JSON.stringify(state), 'none').state)

for (const [name, rightsOf] of [
  ['a role', (who: AclSubject) => dynamic.rightsOf(who)],
  ['a pattern', (who: AclSubject) => acl.rightsOfSource(who)],
] as const)
  test(`the rights of long client ids by ${name} are right, and not kept`, () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    collect()
    const before = process.memoryUsage().heapUsed
    for (let count = 0; count < CLIENTS; count++) {
      const clientId = randomBytes(LONG / 2).toString('hex')
      const rights = rightsOf({ clientId, username: 'u' })
      assert.ok(allows(rights.writeRule(`${clientId}/x`)))
      assert.ok(!allows(rights.writeRule('x/x')))
    }
    collect()
    assert.ok(process.memoryUsage().heapUsed - before < BYTES_MAX)
    assert.equal(
      rightsOf({ clientId: 'c', username: 'u' }),
      rightsOf({ clientId: 'c', username: 'u' }),
    )
  })
