/** What tags show, by its hash: drawn when it is first asked for, and kept while there is room. */
import { TAG_TYPES, type Article } from '../model/tags.ts'
import { pngOf } from '../render/png.ts'
import { bitmapOf, draw, hashOf, shownBy } from '../render/render.ts'
import type { Query } from './database.ts'

export interface Content {
  readonly hash: string
  readonly type: number
  readonly article: Article
}

const KEPT_MAX = 5000

export class Contents {
  private readonly query: Query
  private readonly bitmaps = new Map<string, Uint8Array>()

  constructor(query: Query) {
    this.query = query
  }

  /** undefined: nothing has this hash. */
  async find(hash: string): Promise<Content | undefined> {
    const [found] = await this.query<Content>('select * from content where hash = $1', [hash])
    return found
  }

  /** The deflated bytes that a tag is sent. */
  bitmap({ hash, type, article }: Content): Uint8Array {
    const known = this.bitmaps.get(hash)
    if (known !== undefined) return known
    if (this.bitmaps.size >= KEPT_MAX) this.bitmaps.clear()
    const bitmap = bitmapOf(draw(article, TAG_TYPES[type]), TAG_TYPES[type])
    this.bitmaps.set(hash, bitmap)
    return bitmap
  }

  /** What people see on the panel, from the very bytes that it is sent. */
  png(content: Content): Buffer {
    return pngOf(shownBy(this.bitmap(content), TAG_TYPES[content.type]))
  }
}

/** Writes what articles look like on tags of these types, where that is not known yet. */
export async function saveContents(
  query: Query,
  pairs: readonly Omit<Content, 'hash'>[],
): Promise<Content[]> {
  const contents = pairs.map(({ type, article }) => ({
    type,
    article,
    hash: hashOf(article, type),
  }))
  await query(
    `insert into content (hash, type, article)
     select hash, type, article from jsonb_to_recordset($1::jsonb) as c(hash text, type int, article jsonb)
     on conflict do nothing`,
    [JSON.stringify(contents)],
  )
  return contents
}
