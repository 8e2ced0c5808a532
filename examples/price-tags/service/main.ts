/** The service as a process of its own; says to its parent where it listens, and how it is when asked. */
import { readFileSync } from 'node:fs'
import { readPasswords } from '../model/passwords.ts'
import { createApi } from './api.ts'
import { openDatabase } from './database.ts'
import { prepare } from './schema.ts'
import { Service, type ServiceOptions } from './service.ts'

export interface ServiceProcessOptions extends Omit<ServiceOptions, 'ca' | 'passwords'> {
  readonly caFile: string
  readonly passwordFile: string
  /** 0: any that is free. */
  readonly port: number
  /** Of PGlite; null: in memory. */
  readonly directory: string | null
}

export interface ServiceReport {
  readonly address: string
  readonly database: string
  readonly cpuMs: number
  readonly rssBytes: number
}

export interface RunningService {
  readonly service: Service
  readonly address: string
  stop(): Promise<void>
}

/** `DATABASE_URL` in the environment names a PostgreSQL server; otherwise the database is embedded. */
export async function startService(options: ServiceProcessOptions): Promise<RunningService> {
  const { caFile, passwordFile, port, directory, fleet } = options
  const db = await openDatabase(process.env.DATABASE_URL, directory)
  await prepare(db, fleet)
  const ca = readFileSync(caFile, 'utf8')
  const service = new Service(db, { ...options, ca, passwords: readPasswords(passwordFile) })
  await service.start()
  const api = createApi(service)
  const address = await api.listen({ port, host: '127.0.0.1' })
  const stop = async (): Promise<void> => {
    api.server.closeAllConnections()
    await api.close()
    await service.stop()
  }
  return { service, address, stop }
}

function report({ service, address }: RunningService): ServiceReport {
  const { user, system } = process.cpuUsage()
  const cpuMs = (user + system) / 1000
  return { address, database: service.db.kind, cpuMs, rssBytes: process.memoryUsage.rss() }
}

const [given] = process.argv.slice(2)
if (given !== undefined && process.send !== undefined) {
  process.on('disconnect', () => process.exit())
  const running = await startService(JSON.parse(given) as ServiceProcessOptions)
  process.on('message', () => process.send?.(report(running)))
  process.send(report(running))
}
