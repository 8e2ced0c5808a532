/** Headers that keep a page from doing, and from being made to do, what ours does not do. */

/** Who may show our pages in a frame: nobody, or the site that they are served through. */
export type Framing = 'none' | 'self'

/**
 * Scripts and styles from here only, none in the text of a page; connections to any broker. Requests too: whether something
 * answers is how the page tells a broker that is not there from one that refuses.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self' ws: wss: http: https:",
  "worker-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ')

export function pagePolicy(framing: Framing): string {
  return `${PAGE_POLICY}; frame-ancestors '${framing}'`
}

/**
 * For workers that compile decoders from schemas (file names that begin with `sandbox-`): they may generate code,
 * and reach nothing.
 */
export const SANDBOX_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-eval'",
  "connect-src 'none'",
].join('; ')

export function securityHeaders(framing: Framing): Readonly<Record<string, string>> {
  return {
    ...SECURITY_HEADERS,
    'content-security-policy': pagePolicy(framing),
    'x-frame-options': framing === 'none' ? 'DENY' : 'SAMEORIGIN',
  }
}

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cache-control': 'no-store',
}
