/** Small parts that everything is built from. */
import {
  useEffect,
  useId,
  useRef,
  type ButtonHTMLAttributes,
  type KeyboardEvent,
  type ReactNode,
} from 'react'
import { useText } from './text.ts'
import { Icon, type IconName } from './icons.tsx'

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: IconName
  label: string
  pressed?: boolean
}

/** A button whose word is in its tooltip and for screen readers. */
export function IconButton({ icon, label, pressed, className = '', ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      className={`icon-button ${className}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  )
}

interface FieldProps {
  label: string
  hint?: string
  children: (id: string, hintId: string | undefined) => ReactNode
  className?: string
}

export function Field({ label, hint, children, className = '' }: FieldProps) {
  const id = useId()
  const hintId = hint === undefined ? undefined : `${id}h`
  return (
    <div className={`field ${className}`}>
      <label htmlFor={id}>{label}</label>
      {children(id, hintId)}
      {hint !== undefined && (
        <small id={hintId} className="hint">
          {hint}
        </small>
      )}
    </div>
  )
}

interface TextFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  hint?: string
  type?: 'text' | 'password' | 'number'
  placeholder?: string
  className?: string
  mono?: boolean
  min?: number
  max?: number
  list?: string
  onBlur?: () => void
  'aria-invalid'?: boolean
}

export function TextField({
  label,
  value,
  onChange,
  hint,
  type = 'text',
  className,
  mono,
  ...rest
}: TextFieldProps) {
  return (
    <Field
      label={label}
      {...(hint !== undefined && { hint })}
      {...(className !== undefined && { className })}
    >
      {(id, hintId) => (
        <input
          id={id}
          type={type}
          value={value}
          className={mono === true ? 'mono' : ''}
          aria-describedby={hintId}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
          {...rest}
        />
      )}
    </Field>
  )
}

interface SelectProps<T extends string | number> {
  label: string
  value: T
  options: readonly (readonly [value: T, label: string])[]
  onChange: (value: T) => void
  className?: string
  /** The label is for screen readers only. */
  quiet?: boolean
}

export function Select<T extends string | number>({
  label,
  value,
  options,
  onChange,
  className = '',
  quiet,
}: SelectProps<T>) {
  const id = useId()
  const choose = (text: string) => {
    const option = options.find(([other]) => String(other) === text)
    if (option !== undefined) onChange(option[0])
  }
  return (
    <div className={quiet === true ? `quiet-select ${className}` : `field ${className}`}>
      {quiet !== true && <label htmlFor={id}>{label}</label>}
      <select
        id={id}
        value={value}
        aria-label={quiet === true ? label : undefined}
        title={quiet === true ? label : undefined}
        onChange={(event) => choose(event.target.value)}
      >
        {options.map(([option, name]) => (
          <option key={option} value={option}>
            {name}
          </option>
        ))}
      </select>
    </div>
  )
}

interface CheckProps {
  label: string
  checked: boolean
  onChange: (checked: boolean) => void
  hint?: string
}

export function Check({ label, checked, onChange, hint }: CheckProps) {
  return (
    <label className="check" title={hint}>
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span>{label}</span>
    </label>
  )
}

interface DialogProps {
  title: string
  onClose: () => void
  children?: ReactNode
  footer?: ReactNode
  className?: string
}

/** Where a dialog begins: what says so itself, else its first field, else its first button after the one that closes it. */
const FIRST = [
  '[data-first], [autofocus]',
  '.dialog-body :is(input:not([type=checkbox], [type=radio]), select, textarea):not([disabled])',
  '.dialog-body button:not([disabled]), footer button:not([disabled])',
] as const

/** A modal window: the browser's own, so focus stays inside and Escape closes it. */
export function Dialog({ title, onClose, children, footer, className = '' }: DialogProps) {
  const t = useText()
  const element = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => {
    const dialog = element.current
    if (dialog === null || dialog.open) return
    dialog.showModal()
    const first = FIRST.map((selector) => dialog.querySelector<HTMLElement>(selector))
    first.find((found) => found !== null)?.focus()
  }, [])
  return (
    <dialog
      ref={element}
      className={`dialog ${className}`}
      aria-labelledby={titleId}
      onClose={onClose}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <header>
        <h2 id={titleId}>{title}</h2>
        <IconButton icon="close" label={t.close} onClick={onClose} />
      </header>
      {children !== undefined && <div className="dialog-body">{children}</div>}
      {footer !== undefined && <footer>{footer}</footer>}
    </dialog>
  )
}

interface TabsProps<T extends string> {
  label: string
  value: T
  tabs: readonly (readonly [value: T, label: string, icon?: IconName])[]
  onChange: (value: T) => void
  className?: string
  compact?: boolean
}

/** Tabs after the ARIA pattern: one stop of the Tab key, arrows within. */
export function Tabs<T extends string>({
  label,
  value,
  tabs,
  onChange,
  className = '',
  compact,
}: TabsProps<T>) {
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const at = tabs.findIndex(([tab]) => tab === value)
    const next = tabs[(at + step + tabs.length) % tabs.length]
    if (next === undefined) return
    onChange(next[0])
    const buttons = event.currentTarget.querySelectorAll<HTMLButtonElement>('[role=tab]')
    buttons[tabs.indexOf(next)]?.focus()
  }
  return (
    <div role="tablist" aria-label={label} className={`tabs ${className}`} onKeyDown={onKeyDown}>
      {tabs.map(([tab, name, icon]) => (
        <button
          key={tab}
          type="button"
          role="tab"
          aria-selected={tab === value}
          tabIndex={tab === value ? 0 : -1}
          title={compact === true ? name : undefined}
          aria-label={compact === true ? name : undefined}
          onClick={() => onChange(tab)}
        >
          {icon !== undefined && <Icon name={icon} />}
          {compact !== true && <span>{name}</span>}
        </button>
      ))}
    </div>
  )
}

interface PairsProps {
  label: string
  pairs: readonly [string, string][]
  onChange: (pairs: [string, string][]) => void
}

/** User properties: names may repeat and their order counts, so they are rows, not a map. */
export function Pairs({ label, pairs, onChange }: PairsProps) {
  const t = useText()
  const put = (at: number, pair: [string, string]) =>
    onChange(pairs.map((other, index) => (index === at ? pair : other)))
  return (
    <fieldset className="pairs">
      <legend>{label}</legend>
      {pairs.map(([name, value], at) => (
        // oxlint-disable-next-line react/no-array-index-key -- pairs have no identity but their place
        <div className="pair" key={at}>
          <input
            aria-label={t.propertyName}
            placeholder={t.propertyName}
            value={name}
            onChange={(event) => put(at, [event.target.value, value])}
          />
          <input
            aria-label={t.propertyValue}
            placeholder={t.propertyValue}
            value={value}
            onChange={(event) => put(at, [name, event.target.value])}
          />
          <IconButton
            icon="close"
            label={t.remove}
            onClick={() => onChange(pairs.filter((_, index) => index !== at))}
          />
        </div>
      ))}
      <button type="button" className="link-button" onClick={() => onChange([...pairs, ['', '']])}>
        <Icon name="plus" size={14} /> {t.addProperty}
      </button>
    </fieldset>
  )
}

/** Sixty seconds as a line. */
export function Sparkline({
  values,
  width = 60,
  height = 16,
}: {
  values: readonly number[]
  width?: number
  height?: number
}) {
  const max = Math.max(1, ...values)
  const step = width / Math.max(1, values.length - 1)
  const points = values.map(
    (value, at) =>
      `${(at * step).toFixed(1)},${(height - 1 - (value / max) * (height - 2)).toFixed(1)}`,
  )
  return (
    <svg
      className="sparkline"
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      aria-hidden="true"
      preserveAspectRatio="none"
    >
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke="currentColor"
        strokeWidth="1.25"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  )
}

/** A sentence in which no line breaks within a part of it: browsers break a date behind its hyphens. */
export function Unbroken({ text, part }: { text: string; part: string }) {
  const at = text.indexOf(part)
  return (
    <>
      {text.slice(0, at)}
      <span className="is-unbroken">{part}</span>
      {text.slice(at + part.length)}
    </>
  )
}
