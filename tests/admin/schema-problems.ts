interface Node {
  readonly [keyword: string]: unknown
  readonly type?: unknown
  readonly enum?: unknown
  readonly maxLength?: unknown
  readonly maxItems?: unknown
  readonly maximum?: unknown
  readonly additionalProperties?: unknown
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
}

/**
 * Paths of what a JSON Schema leaves without a bound.
 *
 * @param bodyIsBounded Whether texts may be as long as the body, which has a bound of its own.
 */
export function schemaProblems(schema: Node, bodyIsBounded: boolean, path = ''): string[] {
  const { type } = schema
  const here: string[] = []
  if (type === 'string' && schema.enum === undefined && schema.maxLength === undefined)
    if (!bodyIsBounded) here.push(path)
  if (type === 'array' && schema.maxItems === undefined && !bodyIsBounded) here.push(path)
  const isBound = schema.maximum !== undefined || schema.enum !== undefined
  if (type === 'integer' && !isBound && !path.endsWith('.after')) here.push(path)
  if (type === 'object' && schema.additionalProperties !== false) here.push(path)
  const inside = Object.entries(schema.properties ?? {}).flatMap(([name, node]) =>
    schemaProblems(node, bodyIsBounded, `${path}.${name}`),
  )
  const items = schema.items === undefined ? [] : schemaProblems(schema.items, true, `${path}[]`)
  return [...here, ...inside, ...items]
}
