/**
 * Points at which a test lets the broker die, as a power cut would end it: `MOZZIE_FAILPOINT=before-commit:3` kills
 * the process the third time it passes `before-commit`. Not armed it costs a comparison.
 */
export type Failpoint =
  | 'before-commit'
  | 'after-commit'
  | 'qos2-held'
  | 'qos2-released'
  | 'expiry'
  | 'migration'
  | 'salvage'

const [armed = '', nth = '1'] = (process.env['MOZZIE_FAILPOINT'] ?? '').split(':')
let left = Number(nth)

export function failpoint(name: Failpoint): void {
  if (name !== armed || --left > 0) return
  process.kill(process.pid, 'SIGKILL')
}
