/** The compose files: readable, and naming only what is there. Nothing is started: that needs a Docker daemon. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

interface Service {
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly image?: string
  readonly volumes?: readonly string[]
  readonly depends_on?: readonly string[] | Record<string, unknown>
}

interface Compose {
  readonly services: Record<string, Service>
  readonly volumes?: Record<string, unknown>
}

const script =
  'import json,sys,yaml;print(json.dumps(yaml.safe_load(open(sys.argv[1],encoding="utf8"))))'

const noYaml =
  spawnSync('python3', ['-c', 'import yaml']).status === 0
    ? false
    : 'python3 with PyYAML is not installed'

function readCompose(file: string): Compose {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script, file], {
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout) as Compose
}

for (const file of [
  'docker/compose.yaml',
  'docker/compose-monitoring.yaml',
  'cluster/compose.yaml',
])
  test(
    `packaging/${file}: what its services are built of, mount and wait for is there`,
    { skip: noYaml },
    () => {
      const path = join('packaging', file)
      const { services, volumes = {} } = readCompose(path)
      for (const [name, service] of Object.entries(services)) {
        assert.ok(service.build !== undefined || service.image !== undefined, name)
        if (service.build !== undefined)
          assert.ok(
            existsSync(join(dirname(path), service.build.context, service.build.dockerfile)),
          )
        for (const volume of service.volumes ?? []) {
          const [source] = volume.split(':')
          const isThere = source.startsWith('.')
            ? existsSync(join(dirname(path), source))
            : Object.hasOwn(volumes, source)
          assert.ok(isThere, `${name}: ${volume}`)
        }
        const waits = service.depends_on ?? []
        const others = Array.isArray(waits) ? (waits as string[]) : Object.keys(waits)
        for (const other of others) assert.ok(Object.hasOwn(services, other), `${name}: ${other}`)
      }
    },
  )
