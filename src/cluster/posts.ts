/**
 * What one node does for all: each post is held by one run of one node, whose lease is the post's. A post whose node is gone,
 * or has given it back, is taken by whoever writes so first.
 *
 *     node a   takes ──────── dies                 lease of a ends
 *     node b            "a has it"  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┴ takes
 */
import type { Membership } from './membership.ts'
import type { Records } from './records.ts'
import { pause } from './wire.ts'

/** A node waits so long for each post that it has, so that others come first. */
const SPREAD_MS = 150
const RETRY_MS = 500

interface Holder {
  /** Empty: nobody. */
  readonly node: string
  readonly run: string
}

const NOBODY: Holder = { node: '', run: '' }

export interface PostsOptions {
  readonly node: string
  readonly run: string
}

export class Posts {
  private readonly records: Records
  private readonly membership: Membership
  private readonly options: PostsOptions
  private wanted: ReadonlySet<string> = new Set()
  private readonly held = new Set<string>()
  private readonly taking = new Set<string>()
  private isLeaving = false
  /** Told when this node has a post more, or one fewer. */
  onChange: () => void = () => {}

  constructor(records: Records, membership: Membership, options: PostsOptions) {
    this.records = records
    this.membership = membership
    this.options = options
  }

  holds(post: string): boolean {
    return this.held.has(post)
  }

  /** Posts that this node would have; resolves when each of them has somebody. */
  async want(posts: Iterable<string>): Promise<void> {
    this.wanted = new Set(posts)
    await this.giveBack([...this.held].filter((post) => !this.wanted.has(post)))
    await Promise.all([...this.wanted].map((post) => this.take(post)))
  }

  /** Nodes have come or are gone, or a post was given back, or taken. */
  look(): void {
    const lost = [...this.held].filter((post) => !this.isOwn(this.holderOf(post)))
    for (const post of lost) this.held.delete(post)
    // Who took it believed this node gone: one of the two has to end, and the record says which.
    if (lost.length > 0) this.onChange()
    for (const post of this.wanted) if (this.isFree(post)) void this.takeSoon(post)
  }

  /** Gives back what this node has, and takes nothing any more. */
  async leave(): Promise<void> {
    this.isLeaving = true
    await this.giveBack([...this.held])
  }

  /** Of nobody `node` is empty; it may be gone by now. */
  holderOf(post: string): Holder {
    return this.records.get<Holder>(keyOf(post)).value ?? NOBODY
  }

  private isOwn({ node, run }: Holder): boolean {
    return node === this.options.node && run === this.options.run
  }

  private isFree(post: string): boolean {
    const holder = this.holderOf(post)
    if (this.isOwn(holder)) return !this.held.has(post)
    return holder.node === '' || !this.membership.isRunAlive(holder.node, holder.run)
  }

  /** Heartbeats may have been missed: the stream's leader knows the last one. */
  private async isFreeIndeed(post: string): Promise<boolean> {
    const { node } = this.holderOf(post)
    if (this.isFree(post) && node !== '' && node !== this.options.node)
      await this.membership.refreshNode(node).catch(() => {
        // Nobody leads the stream just now.
      })
    return this.isFree(post)
  }

  private async takeSoon(post: string): Promise<void> {
    if (this.taking.has(post)) return
    this.taking.add(post)
    await pause(this.held.size * SPREAD_MS)
    this.taking.delete(post)
    await this.take(post)
  }

  /** Resolves when somebody has it. */
  private async take(post: string): Promise<void> {
    while (!this.isLeaving && this.wanted.has(post) && (await this.isFreeIndeed(post))) {
      const { sequence } = this.records.get(keyOf(post))
      const { node, run } = this.options
      // An answer that was lost on its way: it is ours.
      const isTaken =
        this.isOwn(this.holderOf(post)) || (await this.swap(post, { node, run }, sequence))
      if (isTaken && !this.isLeaving && this.wanted.has(post)) {
        this.held.add(post)
        this.onChange()
      } else if (isTaken) await this.giveBack([post])
      else if (this.isFree(post)) await pause(RETRY_MS)
    }
  }

  private async giveBack(posts: readonly string[]): Promise<void> {
    if (posts.length === 0) return
    for (const post of posts) this.held.delete(post)
    // Whoever does the work here ends it before another node may begin.
    this.onChange()
    await Promise.all(posts.map((post) => this.free(post)))
  }

  private async free(post: string): Promise<void> {
    while (this.isOwn(this.holderOf(post)) && this.membership.isValid()) {
      const { sequence } = this.records.get(keyOf(post))
      if (!(await this.swap(post, NOBODY, sequence))) await pause(RETRY_MS)
    }
  }

  private async swap(post: string, holder: Holder, sequence: number): Promise<boolean> {
    try {
      return await this.records.swap(keyOf(post), holder, sequence)
    } catch {
      // Nobody leads the stream just now.
      return false
    }
  }
}

function keyOf(post: string): string {
  return `post ${post}`
}
