import fs from 'node:fs'
import path from 'node:path'
import { type BuildFailure, build } from 'esbuild'
import { ReplayError } from '../core/errors.ts'

/** Script and style of the page, each one text. */
export interface PageAssets {
  readonly script: string
  readonly style: string
}

let known: Promise<PageAssets> | null = null

/** Bundles what the page needs with its chart library, only what it uses of it; once per process. @throws ReplayError bug `report-bundle` */
export function pageAssets(): Promise<PageAssets> {
  known ??= bundlePage()
  return known
}

async function bundlePage(): Promise<PageAssets> {
  const folder = path.join(import.meta.dirname, 'page')
  try {
    const [script, style] = await Promise.all(
      ['main.ts', 'style.css'].map((name) =>
        build({
          entryPoints: [name],
          absWorkingDir: folder,
          bundle: true,
          write: false,
          format: 'iife',
          platform: 'browser',
          target: ['chrome111', 'firefox113', 'safari16.4'],
          minify: true,
          legalComments: 'none',
          // ASCII, so that no byte order or encoding matters.
          charset: 'ascii',
          tsconfigRaw: {},
          logLevel: 'silent',
        }),
      ),
    )
    const notice = fs.readFileSync(path.join(folder, 'notice.txt'), 'utf8').trim()
    // In a page a script ends at the first of these, wherever it stands.
    const text = script!.outputFiles[0]!.text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--')
    return { script: `/* ${notice} */\n${text}`, style: style!.outputFiles[0]!.text }
  } catch (cause) {
    const [first] = (cause as Partial<BuildFailure>).errors ?? []
    throw new ReplayError('report-bundle', `the script of the report cannot be bundled: ${first?.text ?? String(cause)}`, {
      category: 'bug',
      path: folder,
      cause,
    })
  }
}
