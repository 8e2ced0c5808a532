/** JSON Web Tokens as text: secrets, wherever they stand. */

/** Its header is a JSON object. */
const TOKEN = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/

/** Whether `text` has the form of a token: what has not is a password, or a name. */
export function isToken(text: string): boolean {
  return TOKEN.test(text)
}
