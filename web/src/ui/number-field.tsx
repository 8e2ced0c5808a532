/** A whole number within limits. While something else is typed the one from before holds, and the hint says what is allowed. */
import { useRef, useState } from 'react'
import { TextField } from './parts.tsx'

interface Props {
  label: string
  hint?: string
  value: number
  limits: readonly [min: number, max: number]
  onChange: (value: number) => void
}

export function NumberField({ value, limits: [min, max], onChange, ...rest }: Props) {
  // What is typed on the way to a number may be none yet: "6" of "64", or nothing.
  const [typed, setTyped] = useState(String(value))
  const before = useRef(value)
  const isWithin = (text: string) =>
    /^\d+$/.test(text) && Number(text) >= min && Number(text) <= max
  return (
    <TextField
      {...rest}
      type="number"
      min={min}
      max={max}
      value={typed}
      aria-invalid={!isWithin(typed)}
      onChange={(text) => {
        setTyped(text)
        onChange(isWithin(text) ? Number(text) : before.current)
      }}
      onBlur={() => {
        before.current = value
        setTyped(String(value))
      }}
    />
  )
}
