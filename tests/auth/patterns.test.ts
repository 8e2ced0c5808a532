import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Acl } from '../../src/auth/acl.ts'
import { parseAclFile, type AclRule } from '../../src/auth/acl-file.ts'
import { filledFilter, type AclSubject } from '../../src/auth/placeholders.ts'
import { matches, topicFilterProblem } from '../../src/topics/names.ts'

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

test('patterns decide what they decide one after the other', () => {
  const level = fc.constantFrom('a', 'b', '', '$x', '+', '%u', '%c', 'a%u')
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, isOpen]) => [...levels, ...(isOpen ? ['#'] : [])].join('/'))
    .filter((text) => topicFilterProblem(text) === null)
  const access = fc.constantFrom('read', 'write', 'readwrite', 'deny')
  const line = fc.tuple(access, filter).map(([word, text]) => `pattern ${word} ${text}`)
  const name = fc.constantFrom('a', 'b', '', '$x', 'a/b', 'a+', '%u', '%c', 'other')
  const topic = fc
    .array(fc.constantFrom('a', 'b', '', '$x', '%u', '%c', 'other'), { minLength: 1, maxLength: 5 })
    .map((levels) => levels.join('/'))
    .filter((text) => text !== '')
  const lines = fc.array(line, { maxLength: 8 })
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
