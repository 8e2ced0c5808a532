/** The version of this package. */
import { existsSync, readFileSync } from 'node:fs'

/** The package's own file: the first one above this module, wherever that was compiled to. */
function packageFile(): URL {
  let file = new URL('../package.json', import.meta.url)
  while (!existsSync(file) && file.pathname !== '/package.json')
    file = new URL('../package.json', file)
  return file
}

/** The version of this package. */
export const version = (JSON.parse(readFileSync(packageFile(), 'utf8')) as { version: string })
  .version
