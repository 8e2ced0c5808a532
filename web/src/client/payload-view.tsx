/** A payload as lines with colours, as text, as a picture. Text nodes and canvases only: nothing in it is markup. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { BITMAP_PALETTES, bitmapPixels, TURNS, type BitmapLayout } from '../decode/bitmap.ts'
import type { DetailAnswer } from '../protocol/protocol.ts'
import { bytesText, countText } from '../ui/format.ts'
import { NumberField } from '../ui/number-field.tsx'
import { Check, Select } from '../ui/parts.tsx'
import type { SessionHandle } from '../state/session-handle.ts'
import { useText } from '../ui/text.ts'
import { LineTree } from './line-tree.tsx'

/** So much at first, and so much more with every press of the button. */
const CHARACTERS_SHOWN = 200_000
const CHARACTERS_MORE = 1_000_000

export function PayloadView({ session, answer }: { session: SessionHandle; answer: DetailAnswer }) {
  const { decoded, problem, bytes, ofBytes } = answer.decoded
  const { payload, topic } = answer.detail
  const t = useText()
  return (
    <div className="payload" tabIndex={0} role="region" aria-label={t.payload}>
      {bytes < ofBytes && (
        <p className="part-note">
          {t.firstPart(bytesText(bytes), bytesText(ofBytes))}{' '}
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
      {decoded.kind === 'image' && <Image bytes={decoded.bytes} mime={decoded.mime} />}
      {decoded.kind === 'bitmap' && (
        <Bitmap
          key={JSON.stringify(decoded.layout)}
          bytes={decoded.bytes}
          first={decoded.layout}
          packedBytes={payload.length}
        />
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

/** @param first The layout until another one is chosen. */
function Bitmap({
  bytes,
  first,
  packedBytes,
}: {
  bytes: Uint8Array
  first: BitmapLayout
  packedBytes: number
}) {
  const t = useText()
  const canvas = useRef<HTMLCanvasElement>(null)
  const [layout, setLayout] = useState(first)
  const change = (part: Partial<BitmapLayout>) => setLayout({ ...layout, ...part })
  const pixels = useMemo(() => bitmapPixels(bytes, layout), [bytes, layout])
  useEffect(() => {
    const target = canvas.current
    if (target === null || pixels === null) return
    target.width = pixels.width
    target.height = pixels.height
    const image = new ImageData(pixels.width, pixels.height)
    image.data.set(pixels.rgba)
    target.getContext('2d')?.putImageData(image, 0, 0)
  }, [pixels])
  const depth = layout.planes === 2 ? t.depth(2, 1) : t.depth(1, layout.bits)
  return (
    <figure className="picture">
      <div className="bitmap-tools">
        <NumberField
          label={t.width}
          limits={[1, 4096]}
          value={layout.width}
          onChange={(width) => change({ width })}
        />
        <Select
          label={t.palette}
          value={layout.palette}
          options={BITMAP_PALETTES.map((name) => [name, t.palettes[name]])}
          onChange={(palette) => change({ palette })}
        />
        <Select
          label={t.turn}
          value={String(layout.turn)}
          options={TURNS.map((turn) => [String(turn), `${turn}°`])}
          onChange={(text) => change({ turn: TURNS.find((turn) => String(turn) === text) ?? 0 })}
        />
        <Check
          label={t.inverted}
          checked={layout.inverted}
          onChange={(inverted) => change({ inverted })}
        />
      </div>
      <canvas ref={canvas} className="is-pixelated" />
      <figcaption>
        {pixels === null ? t.noImage : `${depth} · ${pixels.width} × ${pixels.height}`}
        {bytes.length !== packedBytes &&
          ` · ${t.unpackedFrom(bytesText(packedBytes), bytesText(bytes.length))}`}
      </figcaption>
    </figure>
  )
}
