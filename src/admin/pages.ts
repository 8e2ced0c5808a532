/** The files of the web client, or of whoever has better ones (`http_dir`). */
import { realpathSync } from 'node:fs'
import { basename, join, sep } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { pagePolicy, SANDBOX_POLICY, type Framing } from './headers.ts'

/** Names that vite gives: they change with the content. */
const HASHED = /-[\w-]{8,}\.\w+$/
const YEAR_SECONDS = 31_536_000

export async function servePages(
  app: FastifyInstance,
  directory: string,
  framing: Framing,
): Promise<void> {
  const root = realpathSync(directory)
  await app.register(async (pages) => {
    pages.addHook('onSend', async (request, reply) => {
      if (reply.statusCode === 200) void reply.headers(headersOf(request.url, framing))
    })
    await pages.register(fastifyStatic, {
      root,
      decorateReply: false,
      schemaHide: true,
      dotfiles: 'ignore',
      // Compressed when the pages were built.
      preCompressed: true,
      cacheControl: false,
      // A link inside the directory must not lead out of it.
      allowedPath: (path) => isInside(root, path),
    })
  })
}

function headersOf(url: string, framing: Framing): Record<string, string> {
  const name = basename(url.split('?', 1)[0])
  const age = HASHED.test(name) ? `max-age=${YEAR_SECONDS}, immutable` : 'no-cache'
  const isSandbox = name.startsWith('sandbox-')
  return {
    'cache-control': age,
    'content-security-policy': isSandbox ? SANDBOX_POLICY : pagePolicy(framing),
  }
}

function isInside(root: string, path: string): boolean {
  try {
    const real = realpathSync(join(root, path))
    return real === root || real.startsWith(root + sep)
  } catch {
    // What is not there is answered with 404 further on; compressed alone it may be.
    return true
  }
}

/** What is shown where no pages have been built. */
export const EMPTY_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Mozzie</title>
<h1>Mozzie</h1>
<p>The broker runs. Its pages are not part of this installation: build them with <code>npm run build</code>, or name a
directory with <code>http_dir</code>.</p>
<p><a href="api/v1/docs">The admin API</a></p>
</html>
`
