/** What a user of the NATS servers may not do. */
import type { NatsConnection } from '@nats-io/transport-node'
import { ClusterError } from './failures.ts'

/** Rejects when a server does not let us do something, and never resolves. */
export async function untilDenied(nc: NatsConnection): Promise<never> {
  for await (const status of nc.status())
    if (status.type === 'error' && status.error.name === 'PermissionViolationError')
      throw new ClusterError(
        `NATS does not let this user do what a broker has to: ${status.error.message}; it needs CLUSTER_NAME.>, $JS.API.> and _INBOX.>`,
      )
  return await new Promise<never>(() => {})
}
