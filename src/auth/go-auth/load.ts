/** go-auth as a configuration asks for it: its files read, its backends made. */
import type { Log } from '../../base/log.ts'
import { createArgon2 } from '../argon2.ts'
import { createPasswordChecks } from '../password-checks.ts'
import { LogType } from '../../base/log.ts'
import type { Backend } from './backend.ts'
import { loadFilesAcl, type FilesAcl } from './files-acl.ts'
import {
  filesBackend,
  loadGoAuthFiles,
  type FilesSettings,
  type GoAuthFiles,
} from './files-backend.ts'
import { createGoAuth, type Check, type GoAuth, type GoAuthSettings } from './go-auth.ts'
import { httpBackend, type HttpSettings } from './http-backend.ts'
import { jwtBackend, type JwtSettings } from './jwt-backend.ts'

export interface GoAuthPlan {
  readonly backends: readonly {
    readonly name: Backend['name']
    readonly checks: readonly Check[]
    readonly prefix: string | null
  }[]
  readonly settings: GoAuthSettings
  readonly files: FilesSettings | null
  readonly http: HttpSettings | null
  readonly jwt: JwtSettings | null
}

/** What its files say. */
export interface LoadedGoAuth {
  readonly plan: GoAuthPlan
  readonly files: GoAuthFiles | null
  readonly tokenAcl: FilesAcl | null
}

/** @throws AuthFileError */
export function loadGoAuth(plan: GoAuthPlan): LoadedGoAuth {
  const aclPath = plan.jwt?.aclPath ?? null
  return {
    plan,
    files: plan.files === null ? null : loadGoAuthFiles(plan.files),
    tokenAcl: aclPath === null ? null : loadFilesAcl(aclPath),
  }
}

export function startGoAuth(
  { plan, files, tokenAcl }: LoadedGoAuth,
  log: Log,
  nowMs: () => number,
): GoAuth {
  const { backends, http, jwt, settings } = plan
  const checks = createPasswordChecks(createArgon2(), (error) =>
    log.write(LogType.error, `Error: a password could not be checked: ${error.message}`),
  )
  const make: Record<Backend['name'], () => Backend | null> = {
    files: () =>
      files &&
      filesBackend(
        files,
        backends.length === 1,
        (password, hash) =>
          new Promise((resolve) => {
            checks.check(password, hash, resolve)
          }),
      ),
    http: () => http && httpBackend(http),
    jwt: () => jwt && jwtBackend(jwt, tokenAcl),
  }
  const registered = backends.flatMap(({ name, checks: kinds, prefix }) => {
    const backend = make[name]()
    return backend === null ? [] : [{ backend, checks: kinds, prefix }]
  })
  return createGoAuth(settings, registered, { log, nowMs })
}
