/** Options of a cluster: several brokers that stand on NATS JetStream and are one. */
import { ValueError } from './config-error.ts'
import { option } from './option.ts'
import { bool, custom, durationMs, int, path, text } from './value-types.ts'

const URLS = /^(?:nats|tls):\/\/[^\s,/]+$/
const NAME = /^[A-Za-z0-9_-]{1,32}$/

/** One address, or several with commas between. */
const urls = custom<readonly string[]>('nats://HOST:PORT[,...]', (name, rest) => {
  const list = rest.trim().split(/\s*,\s*/)
  for (const url of list)
    if (!URLS.test(url) || !URL.canParse(url))
      throw new ValueError(`"${name}" must be addresses like nats://a:4222,nats://b:4222.`)
  return list
})

const word = custom('letters, digits, - and _', (name, rest) => {
  const value = rest.trim()
  if (!NAME.test(value))
    throw new ValueError(`"${name}" must be 1 to 32 letters, digits, "-" or "_".`)
  return value
})

/** None of them is applied by SIGHUP: the cluster is joined at the start. */
const AT_START = { own: true, reload: false } as const

export const CLUSTER_OPTIONS = {
  clusterUrls: option(
    'cluster_url',
    'NATS servers of the cluster. Unset: a broker of its own.',
    // Passwords may stand in it.
    { ...AT_START, type: urls, default: null, secret: true },
  ),
  clusterNodeId: option(
    'cluster_node_id',
    'Name of this node, no other has it. Unset: the host name.',
    {
      ...AT_START,
      type: word,
      default: null,
    },
  ),
  clusterName: option(
    'cluster_name',
    'Name of the cluster; what it keeps in NATS begins with it.',
    {
      ...AT_START,
      type: word,
      default: 'mq',
    },
  ),
  clusterReplicas: option('cluster_replicas', 'NATS servers that keep each message.', {
    ...AT_START,
    type: int(1, 5),
    default: 3,
  }),
  clusterPartitions: option('cluster_partitions', 'Streams that queues are spread over.', {
    ...AT_START,
    type: int(1, 256),
    default: 16,
  }),
  clusterLeaseMs: option(
    'cluster_lease_seconds',
    'A node that has not written to NATS for so long ends itself.',
    { ...AT_START, type: durationMs('s', 2, 300), default: 15_000 },
  ),
  clusterRequireSync: option(
    'cluster_require_sync',
    'Does not start unless JetStream syncs every write (sync_interval always).',
    { ...AT_START, type: bool, default: false },
  ),
  clusterMonitorPort: option(
    'cluster_monitor_port',
    'Port of the NATS servers’ monitoring, to see whether they sync; 0: not asked.',
    { ...AT_START, type: int(0, 65_535), default: 8222 },
  ),
  clusterCreds: option('cluster_creds', 'File with the credentials of a NATS user.', {
    ...AT_START,
    type: path,
    default: null,
  }),
  clusterCafile: option(
    'cluster_cafile',
    'Authorities that the NATS servers’ certificates are checked with.',
    {
      ...AT_START,
      type: path,
      default: null,
    },
  ),
  clusterCertfile: option('cluster_certfile', 'Certificate of this node for the NATS servers.', {
    ...AT_START,
    type: path,
    default: null,
  }),
  clusterKeyfile: option('cluster_keyfile', 'The key of cluster_certfile.', {
    ...AT_START,
    type: text('path'),
    default: null,
  }),
}
