/** Text with the places marked where a search found something. */
import { Fragment } from 'react'

export function Marked({ text, needles }: { text: string; needles: readonly string[] }) {
  if (needles.length === 0 || text === '') return text
  const pattern = needles
    .map((needle) => needle.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('|')
  const parts = text.split(new RegExp(`(${pattern})`, 'i'))
  return parts.map((part, at) =>
    // oxlint-disable-next-line react/no-array-index-key -- parts have no identity but their place
    at % 2 === 1 ? <mark key={at}>{part}</mark> : <Fragment key={at}>{part}</Fragment>,
  )
}
