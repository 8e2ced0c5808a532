/** Changes of users, groups and roles, whoever asks for them: carried out, noted in log and audit log, and enforced. */
import { LogType, type Log } from '../base/log.ts'
import { createAuditLog, type AuditAuthor, type AuditChange, type AuditLog } from '../auth/audit.ts'
import type { CommandResponse } from '../auth/dynamic/commands.ts'
import type { DynamicSecurity, DynamicWorld } from '../auth/dynamic/dynamic-security.ts'
import { encodePassword } from '../auth/dynamic/new-password.ts'
import type { Config } from '../config/config.ts'
import type { Everyone } from './everyone.ts'
import { nodeClock } from './node-ports.ts'
import { dynamicFileOf } from './security.ts'

export interface UserAdmin {
  /** null: nothing is noted, for there is nothing to change. */
  readonly audit: AuditLog | null
  /**
   * Carries out a payload of commands; resolves when what they changed is on the disk and in force. Never rejects.
   *
   * @param answer Is given the responses before anybody is disconnected: it may be the one who asked.
   */
  execute(
    dynamic: DynamicSecurity,
    list: readonly unknown[],
    author: AuditAuthor,
    answer?: (responses: readonly CommandResponse[]) => void,
  ): Promise<readonly CommandResponse[]>
}

/** @param banFile null: there is none. */
export function createUserAdmin(
  everyone: Everyone,
  log: Log,
  config: Config,
  banFile: string | null,
): UserAdmin {
  const file = auditFileOf(config, banFile)
  const audit =
    file === null
      ? null
      : createAuditLog(file, nodeClock.wallMs, (error) =>
          log.write(LogType.error, `Error: audit_file ${file} cannot be written: ${error.message}`),
        )
  return {
    audit,
    async execute(dynamic, list, author, answer) {
      let isChanged = false
      const world: DynamicWorld = {
        ...(everyone.share === undefined ? {} : { share: everyone.share }),
        hashPassword: encodePassword,
        connections: () => everyone.connectionsByUser(),
        changed(changes) {
          isChanged = true
          for (const { command, args } of changes)
            note(log, audit, author, { action: command, details: detailsOf(args) })
        },
        failed: (error) =>
          log.write(
            LogType.error,
            `Error: ${dynamic.file}: a change was not made: ${error.message}`,
          ),
      }
      const { responses, kicks } = await dynamic.execute(list, world)
      if (isChanged) await everyone.applyDynamic(dynamic)
      answer?.(responses)
      everyone.kick(kicks)
      return responses
    },
  }
}

function auditFileOf(config: Config, banFile: string | null): string | null {
  const file = dynamicFileOf(config) ?? banFile
  return config.global.auditFile ?? (file === null ? null : `${file}.audit`)
}

function note(log: Log, audit: AuditLog | null, author: AuditAuthor, change: AuditChange): void {
  audit?.note(author, change)
  const { username, clientId } = author
  const named = ['username', 'groupname', 'rolename', 'acltype', 'topic']
  const what = named.flatMap((key) => {
    const value = change.details[key]
    return typeof value === 'string' ? [`${key}=${value}`] : []
  })
  const by = `${clientId}/${username ?? '(anonymous)'}`
  log.write(LogType.information, ['dynsec: ' + by, change.action, ...what].join(' | '))
}

function detailsOf(args: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { command: _command, correlationData: _correlation, ...details } = args
  return details
}
