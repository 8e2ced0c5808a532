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
  /** The one of them that holds numbers. */
  number?: string
  children: React.ReactNode
}

export function Table({ label, columns, number, children }: TableProps) {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} className={name === number ? 'is-number' : ''}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}
