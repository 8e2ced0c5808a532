import assert from 'node:assert/strict'
import { Actor } from './stage.ts'

/** Its link keeps the write that was too much for it, and reads the bytes as late as it may. */
export class SlowActor extends Actor {
  private inLink: { bytes: Uint8Array; length: number } | null = null

  override write(bytes: Uint8Array, length: number): boolean {
    assert.equal(this.inLink, null)
    if (!this.isStuck) return super.write(bytes, length)
    this.inLink = { bytes, length }
    return false
  }

  /** Of what is too much for it, it takes a half. */
  override writeSome = (head: Uint8Array, headLength: number, body: Uint8Array): number => {
    assert.equal(this.inLink, null)
    const bytes = Buffer.concat([head.subarray(0, headLength), body])
    const count = this.isStuck ? bytes.length >> 1 : bytes.length
    this.read(bytes, count)
    return count
  }

  override drain(): void {
    if (this.inLink === null) return
    const { bytes, length } = this.inLink
    this.inLink = null
    this.read(bytes, length)
    super.drain()
  }

  private read(bytes: Uint8Array, length: number): void {
    const { isStuck } = this
    this.isStuck = false
    super.write(bytes, length)
    this.isStuck = isStuck
  }
}
