/** What the parts of the page of users share. */
import type { UserCommand, UsersReply } from './api.ts'

/** Carries out commands; says what was answered. */
export type Run = (...commands: UserCommand[]) => Promise<boolean>

export interface PartProps {
  readonly value: UsersReply
  readonly run: Run
}

interface TableProps {
  label: string
  columns: readonly string[]
  children: React.ReactNode
}

export function Table({ label, columns, children }: TableProps) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
