import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { startLocal } from './api-server.ts'

test('every metric that the Grafana dashboard asks for is there, with its labels', async (context) => {
  const api = await startLocal(context)
  const { text } = await api.get('/metrics')
  const dashboard = JSON.parse(readFileSync('packaging/grafana-dashboard.json', 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[]
  }
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
  assert.ok(expressions.length > 20)
  for (const expression of expressions) {
    for (const [name] of expression.matchAll(/\b(?:mozzie|process|nodejs)_\w+/g))
      assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'), name)
    for (const [, label] of expression.matchAll(/\bby \((\w+)/g))
      assert.match(text, new RegExp(`[{,]${label}="`), label)
  }
})
