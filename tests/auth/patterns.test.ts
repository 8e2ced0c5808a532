import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Acl } from '../../src/auth/acl.ts'
import { parseAclFile, type AclRule } from '../../src/auth/acl-file.ts'
import { filledFilter, type AclSubject } from '../../src/auth/placeholders.ts'
import { hasWildcard, matches, topicFilterProblem } from '../../src/topics/names.ts'
import { covers, overlaps } from '../../src/topics/overlap.ts'

const file = 'rules.acl'

test('a client costs nothing for each pattern of the file, when it comes and when it is asked about', () => {
  let looks = 0
  const patterns = Array.from({ length: 1000 }, (_, index): AclRule => {
    const filter = `site/%u/${index}/%c/#`
    return {
      access: 'readwrite',
      place: file,
      get filter() {
        looks++
        return filter
      },
    }
  })
  const rules = { file, anonymous: [], users: new Map(), patterns, warnings: [] }
  const acl = new Acl(rules)
  const looksOfFile = looks
  for (let client = 0; client < 100; client++) {
    const rights = acl.rightsOf({ clientId: `c${client}`, username: 'u' })
    assert.notEqual(rights.writeRule(`site/u/7/c${client}/x`), null)
    assert.equal(rights.readRule(`site/u/7/c/x`), null)
  }
  assert.equal(looks, looksOfFile)
})

/** One pattern after the other, with the names in it. */
function decideSimply(rules: readonly AclRule[], subject: AclSubject, topic: string) {
  const fits = (rule: AclRule): boolean => {
    const filter = filledFilter(rule.filter, subject)
    return filter !== null && matches(filter, topic)
  }
  const denies = rules.find((rule) => rule.access === 'deny' && fits(rule))
  return (access: 'read' | 'write'): AclRule | null =>
    denies ??
    rules.find((rule) => (rule.access === access || rule.access === 'readwrite') && fits(rule)) ??
    null
}

/** Levels of filters, lines of patterns, and names that clients may have. */
function drawn() {
  const level = fc.constantFrom('a', 'b', '', '$x', '+', '%u', '%c', 'a%u')
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
    .filter((text) => topicFilterProblem(text) === null)
  const access = fc.constantFrom('read', 'write', 'readwrite', 'deny')
  const line = fc.tuple(access, filter).map(([word, text]) => `pattern ${word} ${text}`)
  const name = fc.constantFrom('a', 'b', '', '$x', 'a/b', 'a+', '%u', '%c', 'other')
  return { filter, name, lines: fc.array(line, { maxLength: 8 }) }
}

test('patterns decide what they decide one after the other', () => {
  const { name, lines } = drawn()
  const topic = fc
    .array(fc.constantFrom('a', 'b', '', '$x', '%u', '%c', 'other'), { minLength: 1, maxLength: 5 })
    .map((levels) => levels.join('/'))
    .filter((text) => text !== '')
  let decided = 0
  fc.assert(
    fc.property(lines, name, fc.option(name), topic, (texts, clientId, username, about) => {
      const rules = parseAclFile(texts.join('\n'), file)
      const subject = { clientId, username }
      const rights = new Acl(rules).rightsOf(subject)
      const expected = decideSimply(rules.patterns, subject, about)
      assert.equal(rights.readRule(about), expected('read'))
      assert.equal(rights.writeRule(about), expected('write'))
      if (expected('read') !== null) decided++
    }),
    { numRuns: 5000 },
  )
  assert.ok(decided > 100)
})

test('a subscription with wildcards has the hope that patterns give one after the other', () => {
  const { filter, name, lines } = drawn()
  let hopes = 0
  fc.assert(
    fc.property(lines, name, fc.option(name), filter, (texts, clientId, username, asked) => {
      fc.pre(hasWildcard(asked))
      const rules = parseAclFile(texts.join('\n'), file)
      const subject = { clientId, username }
      const placed = rules.patterns.flatMap(({ access, filter: own }) => {
        const filled = filledFilter(own, subject)
        return filled === null ? [] : [{ access, filled }]
      })
      const isDenied = placed.some(
        ({ access, filled }) => access === 'deny' && covers(filled, asked),
      )
      const isRead = placed.some(
        ({ access, filled }) => access.startsWith('read') && overlaps(filled, asked),
      )
      assert.equal(new Acl(rules).rightsOf(subject).hasHope(asked), isRead && !isDenied)
      if (isRead && !isDenied) hopes++
    }),
    { numRuns: 5000 },
  )
  assert.ok(hopes > 100)
})

test('a subscription looks no rule up that begins with another level, however many filters a client asks for', () => {
  let looks = 0
  const rules = Array.from({ length: 1000 }, (_, index) => {
    const filter = `site${index}/%u/#`
    return {
      access: 'readwrite' as const,
      place: file,
      get filter() {
        looks++
        return filter
      },
    }
  })
  const users = new Map([['u', rules]])
  const acl = new Acl({ file, anonymous: [], users, patterns: rules, warnings: [] })
  const rights = acl.rightsOf({ clientId: 'c', username: 'u' })
  assert.equal(rights.hasHope('site7/u/+'), true)
  const looksAtFirst = looks
  for (let asked = 0; asked < 100; asked++) assert.equal(rights.hasHope(`other${asked}/+`), false)
  assert.equal(looks, looksAtFirst)
})
