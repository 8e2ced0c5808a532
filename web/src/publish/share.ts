/** A connection as an address of this page, without its password. */
import { emptyProfile, emptySubscription, profileUrl, type Profile } from '../model/profile.ts'
import { parseAddress } from './pasted-address.ts'

const PREFIX = '#client?'

/** The part of the address after the page's own. */
export function shareHash(profile: Profile): string {
  const query = new URLSearchParams({ url: profileUrl(profile), v: String(profile.version) })
  if (profile.name !== '') query.set('name', profile.name)
  if (profile.username !== '') query.set('user', profile.username)
  if (profile.authenticationMethod !== '') query.set('auth', profile.authenticationMethod)
  for (const { filter } of profile.subscriptions) query.append('sub', filter)
  return `${PREFIX}${query.toString()}`
}

/** Null: the address shares no connection. */
export function sharedProfile(hash: string): Profile | null {
  if (!hash.startsWith(PREFIX)) return null
  const query = new URLSearchParams(hash.slice(PREFIX.length))
  const address = parseAddress(query.get('url') ?? '')
  if (address === null) return null
  const version = Number(query.get('v'))
  const fresh = emptyProfile({ scheme: 'ws', host: '', port: 80, path: '/mqtt' })
  return {
    ...fresh,
    ...address.fields,
    password: '',
    name: query.get('name') ?? '',
    username: query.get('user') ?? '',
    authenticationMethod: query.get('auth') ?? '',
    version: version === 3 || version === 4 ? version : 5,
    subscriptions: query.getAll('sub').map((filter, at) => emptySubscription(filter, at % 12)),
  }
}
