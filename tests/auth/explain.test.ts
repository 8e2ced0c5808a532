import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Acl } from '../../src/auth/acl.ts'
import { parseAclFile } from '../../src/auth/acl-file.ts'
import { createSecurity, type Explanation, type SysAccess } from '../../src/auth/security.ts'
import { listener } from '../sim/world.ts'

type Question = [
  username: string | null,
  access: 'read' | 'write',
  topic: string,
  clientId?: string,
]

function explain(
  rules: string | null,
  sysAccess: SysAccess,
  [username, access, topic, clientId = 'id']: Question,
): Explanation {
  const log = { mask: 0, write: () => {} }
  const security = createSecurity({
    log,
    gate: { admit: () => null, refusalOf: () => null },
    nowMs: () => 0,
    wallMs: () => 0,
    loginEnded: () => {},
    later: () => {},
  })
  const acl = rules === null ? null : new Acl(parseAclFile(rules, 'acl'))
  const realms = new Map([
    [
      listener,
      { name: '1883', passwords: null, acl, hook: null, dynamic: null, tokens: null, goAuth: null },
    ],
  ])
  security.update({ realms, sysAccess, checkRetainSource: true, refuseHopeless: false })
  return security.explain(listener, { clientId, username }, access, topic)
}

const rules = 'user u\ntopic read a/#\ntopic deny a/b\npattern write %c\n'

const answers: [rules: string | null, sys: SysAccess, question: Question, answer: Explanation][] = [
  [null, 'everyone', ['u', 'write', 'a'], { allowed: true, because: 'there is no ACL file' }],
  [rules, 'everyone', ['u', 'read', 'a/c'], { allowed: true, because: 'acl:2 "topic read a/#"' }],
  [rules, 'everyone', ['u', 'read', 'a/b'], { allowed: false, because: 'acl:3 "topic deny a/b"' }],
  [
    rules,
    'everyone',
    ['u', 'write', 'a/c'],
    { allowed: false, because: 'no rule of acl allows it' },
  ],
  [
    rules,
    'everyone',
    [null, 'write', 'me', 'me'],
    { allowed: true, because: 'acl:4 "pattern write %c"' },
  ],
  [
    rules,
    'everyone',
    ['u', 'write', 'x', 'x#'],
    {
      allowed: false,
      because: 'patterns do not apply to names with + or #, and no other rule allows it',
    },
  ],
  [
    null,
    'everyone',
    ['u', 'write', '$SYS/x'],
    { allowed: false, because: '$SYS is written by the broker alone' },
  ],
  [
    null,
    'everyone',
    ['u', 'write', '$SYS/broker/connection/a/b/state'],
    { allowed: false, because: '$SYS is written by the broker alone' },
  ],
  [
    null,
    'everyone',
    ['u', 'write', '$SYS/broker/connection/a/state'],
    { allowed: true, because: 'there is no ACL file' },
  ],
  [null, 'users', [null, 'read', '$SYS/x'], { allowed: false, because: 'sys_access users' }],
  [null, 'users', ['u', 'read', '$SYS/x'], { allowed: true, because: 'there is no ACL file' }],
]

for (const [text, sys, question, answer] of answers)
  test(`${JSON.stringify(question)} under sys_access ${sys} is explained: ${answer.because}`, () => {
    assert.deepEqual(explain(text, sys, question), answer)
  })
