/** The OpenAPI document as a page: no script, nothing from elsewhere. */

interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly additionalProperties?: SchemaNode | boolean
  readonly items?: SchemaNode
  readonly required?: readonly string[]
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly maxItems?: number
  readonly default?: unknown
}

interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly schema: SchemaNode
    readonly description?: string
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: SchemaNode }>> }
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: SchemaNode }>> }>
  >
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

export const DOCS_STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;
color:#1c2024;background:#fff}h2{margin-top:2.5rem;text-transform:capitalize}summary{cursor:pointer;padding:.3rem 0}
code{font:13px ui-monospace,Menlo,Consolas,monospace}b.method{display:inline-block;min-width:4.5rem;color:#0b6374}
table{border-collapse:collapse;margin:.5rem 0 1rem;width:100%}td{border-top:1px solid #d9dde1;padding:.25rem .5rem;
vertical-align:top}.type{color:#5c6670;white-space:nowrap}
@media(prefers-color-scheme:dark){body{color:#e6e9ec;background:#14171a}td{border-color:#343a40}.type{color:#9aa4ae}
b.method{color:#5cc4d6}a{color:#5cc4d6}}
`

/** @param document OpenAPI 3.1. */
export function docsPage(document: object): string {
  const { info, paths = {} } = document as Document
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? ''))]
  const sections = tags.map((tag) => {
    const own = operations.filter(({ operation }) => (operation.tags?.[0] ?? '') === tag)
    return `<h2>${escape(tag)}</h2>\n${own.map(operationHtml).join('\n')}`
  })
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(info.title)}</title><link rel="stylesheet" href="docs.css"></head>
<body><h1>${escape(info.title)} ${escape(info.version)}</h1>
<p>${escape(info.description ?? '')}</p>
<p><a href="openapi.json">openapi.json</a></p>
${sections.join('\n')}
</body></html>
`
}

function operationHtml({
  path,
  method,
  operation,
}: {
  path: string
  method: string
  operation: Operation
}): string {
  const { summary = '', description = '', parameters = [], requestBody, responses = {} } = operation
  const rows = parameters.map(({ name, in: place, required, schema, description: about }) =>
    rowHtml(
      `${name} (${place})`,
      { ...schema, description: about ?? schema.description ?? '' },
      required,
    ),
  )
  const parts = [
    rows.length === 0 ? '' : `<p>Parameters</p>${tableHtml(rows)}`,
    bodyHtml('Body', requestBody?.content),
    bodyHtml('Answer', responses['200']?.content),
  ]
  return `<details><summary><b class="method">${method.toUpperCase()}</b> <code>${escape(path)}</code>
${escape(summary)}</summary><p>${escape(description)}</p>${parts.join('')}</details>`
}

function bodyHtml(
  title: string,
  content: Readonly<Record<string, { schema: SchemaNode }>> | undefined,
): string {
  const [type, body] = Object.entries(content ?? {})[0] ?? []
  if (type === undefined || body === undefined) return ''
  const rows = rowsOf(body.schema, '')
  return `<p>${title}: <code>${escape(type)}</code></p>${rows.length === 0 ? '' : tableHtml(rows)}`
}

/** Properties of objects and of objects in lists, one row each, named by their paths. */
function rowsOf(schema: SchemaNode, path: string): string[] {
  const { properties = {}, items, required = [] } = schema
  const own = Object.entries(properties).flatMap(([name, node]) => {
    const full = path === '' ? name : `${path}.${name}`
    return [rowHtml(full, node, required.includes(name)), ...rowsOf(node, full)]
  })
  return items === undefined ? own : [...own, ...rowsOf(items, `${path}[]`)]
}

function rowHtml(name: string, schema: SchemaNode, required = false): string {
  const need = required ? '' : ' (may be absent)'
  return (
    `<tr><td><code>${escape(name)}</code></td><td class="type">${escape(typeOf(schema))}</td>` +
    `<td>${escape(`${schema.description ?? ''}${need}`)}</td></tr>`
  )
}

function typeOf({ type, enum: values, minimum, maximum, maxLength, ...rest }: SchemaNode): string {
  const types = typeof type === 'string' ? [type] : (type ?? ['any'])
  const bounds = [
    values === undefined ? '' : values.map(String).join(' | '),
    minimum === undefined ? '' : `from ${minimum}`,
    maximum === undefined ? '' : `to ${maximum}`,
    maxLength === undefined ? '' : `at most ${maxLength} characters`,
    rest.maxItems === undefined ? '' : `at most ${rest.maxItems}`,
    rest.default === undefined ? '' : `default ${JSON.stringify(rest.default)}`,
  ].filter((text) => text !== '')
  return [types.join(' or '), ...bounds].join(', ')
}

function tableHtml(rows: readonly string[]): string {
  return `<table>${rows.join('')}</table>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
