/** Text with the places marked where a search found something. */
import { Fragment } from 'react'

/** @param marks Sources of expressions without groups that catch. */
export function Marked({ text, marks }: { text: string; marks: readonly string[] }) {
  if (marks.length === 0 || text === '') return text
  const parts = text.split(new RegExp(`(${marks.join('|')})`, 'i'))
  return parts.map((part, at) =>
    // oxlint-disable-next-line react/no-array-index-key -- parts have no identity but their place
    at % 2 === 1 ? <mark key={at}>{part}</mark> : <Fragment key={at}>{part}</Fragment>,
  )
}
