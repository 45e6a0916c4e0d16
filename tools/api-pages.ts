/** What is used of a member in API Extractor's model. */
export interface ApiMember {
  readonly kind: string
  readonly name?: string
  readonly docComment?: string
  readonly excerptTokens?: readonly { readonly text: string }[]
  readonly members?: readonly ApiMember[]
}

/** Exports that belong together. */
export interface ApiGroup {
  readonly title: string
  readonly names: readonly string[]
}

/** The groups of a barrel: a comment, then exports up to an empty line. */
export function groupsOf(barrel: string): ApiGroup[] {
  return barrel.split(/\n\n+/).flatMap((block) => {
    const title = /^\/\/ (?!biome)(.+)$/m.exec(block)?.[1]?.replace(/\.$/, '')
    if (title === undefined || !block.includes('export ')) return []
    const lists = [...block.matchAll(/\{([^}]*)\}/g)].map(([, list]) => list!)
    const names = lists.flatMap((list) => list.split(',').map((name) => name.trim().replace(/^type /, '')))
    return [{ title, names: names.filter((name) => name !== '').sort((a, b) => a.localeCompare(b)) }]
  })
}

/** Name and text of each page; `index.md` is the guide, with the groups behind it. */
export function* apiPages(model: ApiMember, groups: readonly ApiGroup[], guide: string): Generator<[name: string, text: string]> {
  const exports = new Map<string, ApiMember[]>()
  for (const entry of model.members ?? [])
    for (const member of entry.members ?? []) exports.set(member.name!, [...(exports.get(member.name!) ?? []), member])
  const list = groups.map((group) => `- [${group.title}](${pageOf(group)}): ${group.names.map((name) => `\`${name}\``).join(', ')}`)
  yield ['index.md', `${guide.trimEnd()}\n\n## All that there is\n\n${list.join('\n')}\n`]
  for (const group of groups) {
    const contents = group.names.map((name) => `[${name}](#${name.toLowerCase()})`).join(' · ')
    const parts = group.names.flatMap((name) => (exports.get(name) ?? []).map((member) => exportText(member)))
    yield [pageOf(group), `# ${group.title}\n\n[Guide](index.md)\n\n${contents}\n\n${parts.join('\n')}`]
  }
}

/** `Books, gaps, snapshots` → `books.md` */
export function pageOf({ title }: ApiGroup): string {
  return `${/^\w+( \w+)?/.exec(title)![0].toLowerCase().replaceAll(' ', '-')}.md`
}

function exportText({ name, kind, members = [], ...member }: ApiMember): string {
  const own = members.map((one) => `### ${name}.${one.name ?? one.kind.toLowerCase()}\n\n${code(one)}${comment(one)}`)
  return `## ${name}\n\n*${kind.replace('TypeAlias', 'type').toLowerCase()}*\n\n${code({ kind, ...member })}${comment({ kind, ...member })}${own.join('')}`
}

function code({ excerptTokens = [] }: ApiMember): string {
  const text = excerptTokens
    .map((token) => token.text)
    .join('')
    .trim()
  return `\`\`\`ts\n${text.replace(/^export declare /, '')}\n\`\`\`\n\n`
}

/** A docstring as Markdown: lines keep their breaks, tags become words. */
function comment({ docComment = '' }: ApiMember): string {
  const text = docComment
    .replace(/^\/\*\*/, '')
    .replace(/\*\/\s*$/, '')
    .replace(/^ *\* ?/gm, '')
    .trim()
  if (text === '') return ''
  const said = text
    .replace(/^@param (\w+) ?-? ?/gm, '\n- `$1`: ')
    .replace(/^@returns? /gm, '\nGives ')
    .replace(/@throws /g, '\n\nThrows: ')
    .replace(/@default(Value)? (.*)$/gm, '\n\nDefault: $2')
  return `${said.trim()}\n\n`
}
