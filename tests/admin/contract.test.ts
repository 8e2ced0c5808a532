import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CONTRACT } from '../../src/admin/contract.ts'
import { schemaProblems } from './schema-problems.ts'

const endpoints = Object.entries(CONTRACT)

test('no two endpoints have the same method and path', () => {
  const names = endpoints.map(([, { method, url }]) => `${method} ${url}`)
  assert.equal(new Set(names).size, names.length)
})

test('what is open to everybody is health, readiness and the login', () => {
  const open = endpoints.filter(([, { access }]) => access === 'open').map(([name]) => name)
  assert.deepEqual(open.sort(), ['authority', 'health', 'login', 'logout', 'ready', 'session'])
})

test('nothing that changes the broker is open to more than admins', () => {
  const changing = endpoints.filter(
    ([, { method, url }]) => method !== 'GET' && url !== '/api/v1/session',
  )
  assert.ok(changing.length > 5)
  for (const [name, { access }] of changing) assert.equal(access, 'admin', name)
})

test('every text, list and object that a request may bring has a bound', () => {
  const unbounded = endpoints.flatMap(([name, { params, query, body, bodyBytesMax }]) =>
    [params, query, body]
      .filter((schema) => schema !== null)
      .flatMap((schema) =>
        schemaProblems({ ...schema }, bodyBytesMax > 0).map((text) => `${name}${text}`),
      ),
  )
  assert.deepEqual(unbounded, [])
})
