/** A payload as lines with colours, as text, as a picture. Text nodes and canvases only: nothing in it is markup. */
import { useEffect, useMemo, useRef, useState } from 'react'
import {
  BITMAP_PALETTES,
  bitmapHeight,
  bitmapPixels,
  guessWidth,
  type BitmapLayout,
  type BitmapPalette,
} from '../decode/bitmap.ts'
import type { DetailAnswer } from '../protocol/protocol.ts'
import { bytesText, countText } from '../ui/format.ts'
import { Check, Select, TextField } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useText } from '../ui/text.ts'
import { LineTree } from './line-tree.tsx'

/** So much at first, and so much more with every press of the button. */
const CHARACTERS_SHOWN = 200_000
const CHARACTERS_MORE = 1_000_000

export function PayloadView({ session, answer }: { session: SessionHandle; answer: DetailAnswer }) {
  const { decoded, problem } = answer.decoded
  const { payload, topic } = answer.detail
  const t = useText()
  return (
    <div className="payload" tabIndex={0} role="region" aria-label={t.payload}>
      {answer.decoded.bytes < payload.length && (
        <p className="part-note">
          {t.firstPart(bytesText(answer.decoded.bytes), bytesText(payload.length))}{' '}
          <button
            type="button"
            className="link-button"
            onClick={() => session.store.set({ whole: true })}
          >
            {t.showWhole}
          </button>
        </p>
      )}
      {problem !== null && <p className="problem">{t.decodeFailed(problem)}</p>}
      {decoded.kind === 'lines' && (
        <LineTree session={session} topic={topic} lines={decoded.lines} />
      )}
      {decoded.kind === 'text' && (
        <PlainText text={decoded.text} isHex={decoded.format === 'hex'} />
      )}
      {decoded.kind === 'image' && <Image bytes={payload} mime={decoded.mime} />}
      {decoded.kind === 'bitmap' && (
        <Bitmap key={payload.length} bytes={payload} bits={decoded.bits} />
      )}
    </div>
  )
}

function PlainText({ text, isHex }: { text: string; isHex: boolean }) {
  const t = useText()
  const [count, setCount] = useState(CHARACTERS_SHOWN)
  const isCut = text.length > count
  return (
    <>
      <pre className={`code ${isHex ? 'is-hex' : ''}`}>{isCut ? text.slice(0, count) : text}</pre>
      {isCut && (
        <button
          type="button"
          className="button is-small"
          onClick={() => setCount(count + CHARACTERS_MORE)}
        >
          {t.showMoreCharacters(countText(text.length - count))}
        </button>
      )}
    </>
  )
}

const IMAGE_SIDE_MAX = 4096

/** Drawn, not linked: the page's policy allows no addresses made up at run time. */
function Image({ bytes, mime }: { bytes: Uint8Array; mime: string }) {
  const t = useText()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [note, setNote] = useState('')
  useEffect(() => {
    let isStale = false
    createImageBitmap(new Blob([new Uint8Array(bytes)], { type: mime })).then(
      (image) => {
        const target = canvas.current
        if (isStale || target === null) return
        const scale = Math.min(1, IMAGE_SIDE_MAX / Math.max(image.width, image.height))
        target.width = image.width * scale
        target.height = image.height * scale
        target.getContext('2d')?.drawImage(image, 0, 0, target.width, target.height)
        setNote(`${mime} · ${image.width} × ${image.height}`)
      },
      () => setNote(t.noImage),
    )
    return () => {
      isStale = true
    }
  }, [bytes, mime, t])
  return (
    <figure className="picture">
      <canvas ref={canvas} />
      <figcaption>{note}</figcaption>
    </figure>
  )
}

function Bitmap({ bytes, bits }: { bytes: Uint8Array; bits: 1 | 2 | 4 }) {
  const t = useText()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(() => guessWidth(bytes.length, bits))
  const [palette, setPalette] = useState<BitmapPalette>('grey')
  const [inverted, setInverted] = useState(false)
  const layout: BitmapLayout = useMemo(
    () => ({ bits, width, palette, inverted }),
    [bits, width, palette, inverted],
  )
  useEffect(() => {
    const target = canvas.current
    const pixels = bitmapPixels(bytes, layout)
    if (target === null || pixels === null || pixels.length === 0) return
    target.width = layout.width
    target.height = bitmapHeight(bytes.length, layout)
    const image = new ImageData(target.width, target.height)
    image.data.set(pixels)
    target.getContext('2d')?.putImageData(image, 0, 0)
  }, [bytes, layout])
  return (
    <figure className="picture">
      <div className="bitmap-tools">
        <TextField
          label={t.width}
          type="number"
          min={1}
          max={4096}
          value={String(width)}
          onChange={(text) => setWidth(Math.max(1, Math.min(4096, Number(text) || 1)))}
        />
        <Select
          label={t.palette}
          value={palette}
          options={BITMAP_PALETTES.map((name) => [name, t.palettes[name]])}
          onChange={setPalette}
        />
        <Check label={t.inverted} checked={inverted} onChange={setInverted} />
      </div>
      <canvas ref={canvas} className="is-pixelated" />
      <figcaption>
        {bits} bit · {width} × {bitmapHeight(bytes.length, layout)}
      </figcaption>
    </figure>
  )
}
