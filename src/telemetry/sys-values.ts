/** The `$SYS` tree as one table, for those who ask by HTTP. */
import { SYS_ROWS, type SysCounts, type SysStats } from './sys-topics.ts'

/** In mosquitto's order; second names and averages are left out, as there. */
const ORDER = [
  'clients/total',
  'clients/maximum',
  'clients/disconnected',
  'clients/connected',
  'clients/expired',
  'messages/stored',
  'store/messages/bytes',
  'subscriptions/count',
  'shared_subscriptions/count',
  'retained messages/count',
  'messages/received',
  'messages/sent',
  'bytes/received',
  'bytes/sent',
  'publish/bytes/received',
  'publish/bytes/sent',
  'packet/out/count',
  'packet/out/bytes',
  'connections/socket/count',
  'publish/messages/dropped',
  'publish/messages/received',
  'publish/messages/sent',
  'uptime',
]

const values = new Map(SYS_ROWS.map(([topics, value]) => [topics.split(',')[0], value]))

/** Values by topic. */
export function sysValues(
  stats: SysStats,
  counts: SysCounts,
  uptimeSeconds: number,
): Record<string, number> {
  const own = new Map([
    ['uptime', uptimeSeconds],
    ['clients/maximum', stats.sessionsMax],
  ])
  return Object.fromEntries(
    ORDER.map((name) => [
      `$SYS/broker/${name}`,
      own.get(name) ?? values.get(name)?.(stats, counts) ?? 0,
    ]),
  )
}
