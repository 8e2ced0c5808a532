/** Options of logins by JSON Web Token. */
import { ValueError } from './config-error.ts'
import { option } from './option.ts'
import { choice, custom, path, text } from './value-types.ts'

const WORDS_APART = /[\s,]+/
const ALGORITHM = /^(?:[HRP]S(?:256|384|512)|ES(?:256|384|512)|EdDSA|Ed25519)$/

const algorithms = custom('NAME ...', (name, rest) => {
  const names = rest.trim().split(WORDS_APART)
  for (const each of names)
    if (!ALGORITHM.test(each))
      throw new ValueError(`"${name}": "${each}" is no signature algorithm of JSON Web Tokens.`)
  return names
})

const address = custom('https://...', (name, rest) => {
  const value = text('address').read(name, rest)
  // Who can change the keys on their way can log in as anybody.
  const isLocal = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)[:/]/.test(value)
  if (!URL.canParse(value) || !(value.startsWith('https://') || isLocal))
    throw new ValueError(`"${name}" must be an address like https://login.example/keys.`)
  return value
})

/** A token is good where one of the first two says whose signatures are. */
export const TOKEN_OPTIONS = {
  jwtKeyFile: option(
    'auth_jwt_key_file',
    'Key that proves the JSON Web Tokens of clients: PEM, JWK, JWK set, or a secret.',
    { type: path, default: null, own: true, repeat: 'last' },
  ),
  jwtKeysUrl: option(
    'auth_jwt_jwks_url',
    'Address of a JWK set that proves them, asked again for keys that are not in it.',
    { type: address, default: null, own: true, repeat: 'last' },
  ),
  jwtAlgorithms: option(
    'auth_jwt_algorithms',
    'Signatures that are good. Unset: what the key can make; never HS with a public key.',
    { type: algorithms, default: [] as readonly string[], own: true, repeat: 'last' },
  ),
  jwtIssuer: option('auth_jwt_issuer', 'What the claim iss must be.', {
    type: text('issuer'),
    default: null,
    own: true,
  }),
  jwtAudience: option('auth_jwt_audience', 'What the claim aud must be or hold.', {
    type: text('audience'),
    default: null,
    own: true,
  }),
  jwtFrom: option('auth_jwt_from', 'Where a client puts its token.', {
    type: choice('password', 'username'),
    default: 'password' as const,
    own: true,
  }),
  jwtUserClaim: option('auth_jwt_user_claim', 'The claim that names the user.', {
    type: text('name'),
    default: 'sub',
    own: true,
  }),
  jwtMatch: option('auth_jwt_match', 'What that claim must be equal to.', {
    type: choice('username', 'clientid', 'none'),
    default: 'username' as const,
    own: true,
  }),
  jwtRightsClaim: option(
    'auth_jwt_rights_claim',
    'The claim with the rights of the client, as ["read news/#"]; they count instead of acl_file.',
    { type: text('name'), default: null, own: true },
  ),
}
