import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Acl, allows } from '../../src/auth/acl.ts'
import { parseAclFile } from '../../src/auth/acl-file.ts'

const file = 'rules.acl'

function rightsOf(text: string, username: string | null, clientId = 'id') {
  return new Acl(parseAclFile(text, file)).rightsOf({ clientId, username })
}

function may(text: string, username: string | null, topic: string, clientId = 'id'): string {
  const rights = rightsOf(text, username, clientId)
  return (
    (allows(rights.readRule(topic)) ? 'r' : '-') + (allows(rights.writeRule(topic)) ? 'w' : '-')
  )
}

const decisions: [text: string, username: string | null, topic: string, expected: string][] = [
  ['topic a', null, 'a', 'rw'],
  ['topic a', 'u', 'a', '--'],
  ['topic read a', null, 'a', 'r-'],
  ['topic read', null, 'read', 'rw'],
  ['topic write a b', null, 'a b', '-w'],
  ['user u\ntopic #', 'u', 'x/y', 'rw'],
  ['user u\ntopic #', 'u', '$SYS/x', '--'],
  ['user u\ntopic $SYS/#', 'u', '$SYS/x', 'rw'],
  ['user u\ntopic #\ntopic deny a/#', 'u', 'a/b', '--'],
  ['user u\ntopic read a\ntopic write a', 'u', 'a', 'rw'],
  ['user u\ntopic read a\nuser v\ntopic b\nuser u\ntopic write a', 'u', 'a', 'rw'],
  ['user two words\ntopic a', 'two words', 'a', 'rw'],
  ['user  u\t\r\ntopic  read  a \r', 'u', 'a', 'r-'],
  ['user u\u00a0\ntopic a', 'u', 'a', '--'],
  ['user u\u00a0\ntopic a', 'u\u00a0', 'a', 'rw'],
  ['pattern read %u/%c', 'u', 'u/id', 'r-'],
  ['pattern deny x/#\nuser u\ntopic x/y', 'u', 'x/y', 'rw'],
  ['pattern x/#\nuser u\ntopic deny x/y', 'u', 'x/y', '--'],
  ['pattern deny x/y\npattern x/#', 'u', 'x/y', '--'],
  ['pattern %u/a', null, '/a', '--'],
  ['pattern x/#', 'a+b', 'x/y', '--'],
  ['pattern x/#\nuser a+b\ntopic x/y', 'a+b', 'x/y', 'rw'],
  // A name is one level, whatever is in it.
  ['pattern %u/#', 'u/v', 'u/v/x', '--'],
  ['pattern %u/#', '%c', '%c/x', 'rw'],
  ['pattern %u/#', '%c', 'id/x', '--'],
  ['pattern dev-%u/#', 'u', 'dev-u/x', '--'],
  ['pattern %u/#', '$SYS', '$SYS/broker/uptime', '--'],
  ['pattern $SYS/%u/#', 'u', '$SYS/u/x', 'rw'],
  // Names of JavaScript's own are names of users.
  ['user u\ntopic a', '__proto__', 'a', '--'],
  ['user __proto__\ntopic a', '__proto__', 'a', 'rw'],
  ['user __proto__\ntopic a', 'u', 'a', '--'],
]

for (const [text, username, topic, expected] of decisions)
  test(`${JSON.stringify(text)} gives ${username ?? 'nobody'} ${expected} on '${topic}'`, () => {
    assert.equal(may(text, username, topic), expected)
  })

test('the rule that decided is known with its file and line', () => {
  const text = '# rules\nuser u\ntopic read a/#\ntopic deny a/b'
  assert.equal(rightsOf(text, 'u').readRule('a/b')?.place, 'rules.acl:4 "topic deny a/b"')
  assert.equal(rightsOf(text, 'u').readRule('a/c')?.place, 'rules.acl:3 "topic read a/#"')
  assert.equal(rightsOf(text, 'u').readRule('b'), null)
})

test('one list of rules decides the same with a thousand others around it', () => {
  const others = Array.from({ length: 1000 }, (_, index) => `topic read x${index}/+/y`).join('\n')
  const text = `user u\n${others}\ntopic write x7/a/y\ntopic deny x8/a/y\ntopic readwrite +/a/z`
  assert.equal(may(text, 'u', 'x7/a/y'), 'rw')
  assert.equal(may(text, 'u', 'x8/a/y'), '--')
  assert.equal(may(text, 'u', 'x9/a/z'), 'rw')
  assert.equal(may(text, 'u', 'x9/a/y'), 'r-')
})

const wrong: [text: string, line: number, message: RegExp][] = [
  ['topic a\ntopic', 2, /A topic is missing/],
  ['topic reed a b', 1, /"reed" is none of read, write/],
  ['topic a/#/b', 1, /'#' is not alone/],
  ['topic read a+', 1, /'\+' is not alone/],
  ['topic $share/g', 1, /no topic filter/],
  ['user', 1, /"user" needs a name/],
  ['topic a\nusr bob', 2, /"usr" is none of user, topic and pattern/],
  ['\ttopic a', 1, /none of user/],
]

for (const [text, line, message] of wrong)
  test(`${JSON.stringify(text)} is wrong in line ${line}`, () => {
    assert.throws(
      () => parseAclFile(text, file),
      (error: Error) => message.test(error.message) && error.message.endsWith(`(${file}:${line})`),
    )
  })

for (const text of ['', '# nothing\n\n', 'user u\n'])
  test(`${JSON.stringify(text)} has no rules, denies everything and is warned of`, () => {
    const rules = parseAclFile(text, file)
    assert.match(rules.warnings[0], /has no rules: everything is denied/)
    assert.equal(new Acl(rules).rightsOf({ clientId: 'c', username: 'u' }).writeRule('a'), null)
  })

test('patterns without a placeholder as a whole level are warned of', () => {
  const { warnings } = parseAclFile('pattern a/b\npattern x%u/b\npattern %c', file)
  assert.equal(warnings.length, 2)
  assert.match(warnings[0], /neither %u nor %c.*rules.acl:1/)
  assert.match(warnings[1], /only as a whole level.*rules.acl:2/)
})

test('of very many such patterns the first ones are named, the others counted', () => {
  const { warnings, patterns } = parseAclFile('pattern a/b\n'.repeat(100_000), file)
  assert.equal(patterns.length, 100_000)
  assert.equal(warnings.length, 11)
  assert.match(warnings[9], /rules.acl:10 /)
  assert.match(warnings[10], /99990 more patterns of that kind/)
})

const hopes: [text: string, filter: string, expected: boolean][] = [
  ['user u\ntopic read a/#', 'a/b', true],
  ['user u\ntopic read a/#', '#', true],
  ['user u\ntopic read a/#', '+/b', true],
  ['user u\ntopic read a/#', '$share/g/a/b', true],
  ['user u\ntopic read a/#', 'b/#', false],
  ['user u\ntopic read a/#', '$share/g/b', false],
  ['user u\ntopic write a/#', 'a/#', false],
  ['user u\ntopic read a/#\ntopic deny a/b/#', 'a/b/+', false],
  ['user u\ntopic read a/#\ntopic deny a/b/#', 'a/+', true],
  ['user u\ntopic read #', '$SYS/#', false],
  ['user u\ntopic read a/b\npattern deny a/#', 'a/#', true],
]

for (const [text, filter, expected] of hopes)
  test(`under ${JSON.stringify(text)} '${filter}' ${expected ? 'may get something' : 'is hopeless'}`, () => {
    assert.equal(rightsOf(text, 'u').hasHope(filter), expected)
  })
