import { createRequire } from 'node:module'
import { jsonText } from './output.ts'

/** Which version runs, and on what: what a report of an error begins with. */
export function versionText(isJson: boolean): string {
  const { version } = createRequire(import.meta.url)('chronicle-replay/package.json') as { version: string }
  const { version: node, platform, arch } = process
  return isJson ? jsonText({ version, node, platform, arch }) : `chronicle-replay ${version} (Node ${node.slice(1)}, ${platform}-${arch})\n`
}
