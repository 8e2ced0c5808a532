/** The example's price tags in the client: what an access point is sent is seen as the tag shows it. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { offerOf } from '../../examples/price-tags/model/articles.ts'
import { topics } from '../../examples/price-tags/model/messages.ts'
import { COLOURS, TAG_TYPES } from '../../examples/price-tags/model/tags.ts'
import { bitmapOf, contentTypeOf, draw } from '../../examples/price-tags/render/render.ts'
import { connectHere, row, subscribe } from './acts.ts'
import { browserSuite } from './suite.ts'

interface Canvas {
  readonly width: number
  readonly height: number
  /** How often each colour is seen, as `#rrggbb`. */
  readonly counts: Record<string, number>
}

const canvasOf = (page: Page): Promise<Canvas> =>
  page.evaluate(`{
    const canvas = document.querySelector('.picture canvas')
    const { width, height } = canvas
    const { data } = canvas.getContext('2d').getImageData(0, 0, width, height)
    const counts = {}
    for (let at = 0; at < data.length; at += 4) {
      const colour = '#' + [...data.subarray(at, at + 3)].map((level) => level.toString(16).padStart(2, '0')).join('')
      counts[colour] = (counts[colour] ?? 0) + 1
    }
    ({ width, height, counts })
  }`)

browserSuite('price tags', (test) => {
  for (const locale of ['en-US', 'zh-CN'] as const)
    test(
      `every kind is one upright picture in its colours, at sight (${locale})`,
      async ({ page, problems, stage, t }) => {
        await connectHere(page, t)
        await subscribe(page, t, 'esl/#')
        const service = await stage.connect(`service-${locale}`)
        for (const [at, type] of TAG_TYPES.entries()) {
          const topic = topics.image(1, `ap-1-${at + 1}`)
          const picture = draw(offerOf(12, 30), type)
          await service.publish(topic, bitmapOf(picture, type), {
            qos: 1,
            properties: { contentType: contentTypeOf(type) },
          })
          await row(page, topic).click()
          const counts: Record<string, number> = {}
          for (const colour of picture.pixels)
            counts[COLOURS[colour]] = (counts[COLOURS[colour]] ?? 0) + 1
          await page
            .locator('.picture figcaption', { hasText: `${type.width} × ${type.height}` })
            .waitFor()
          assert.deepEqual(await canvasOf(page), {
            width: type.width,
            height: type.height,
            counts,
          })
        }
        // Turned by hand.
        await page.locator('.bitmap-tools').getByLabel(t.turn).selectOption('90')
        await page.locator('.picture figcaption', { hasText: '480 × 800' }).waitFor()
        assert.deepEqual(problems, [])
      },
      { locale },
    )
})
