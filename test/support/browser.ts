import { spawnSync } from 'node:child_process'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, expect } from 'vitest'

/**
 * A headless Chromium of this machine, closed after the tests of the file. On CI it is installed where there is none. Null,
 * after one line that says why, where there is none elsewhere; under CI that is an error.
 */
export async function startBrowser(): Promise<Browser | null> {
  const program = findChromium() ?? (process.env.CI === 'true' ? installChromium() : null)
  if (program === null) {
    const line = 'browser tests: expected chromium, chromium-browser or google-chrome in PATH, found none (apt-get install chromium)'
    if (process.env.CI === 'true') throw new Error(line)
    process.stderr.write(`${line}; they did not run\n`)
    return null
  }
  // As root Chromium does not start with its sandbox; what it opens are files that the tests made.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const browser = await chromium.launch({ executablePath: program, args })
  afterAll(() => browser.close())
  return browser
}

/** Waits until an expression is true in a page. Playwright's `waitForFunction` looks again from within the page, whose policy may refuse that. */
export async function untilTrue(page: Page, expression: string): Promise<void> {
  await expect.poll(() => page.evaluate(expression), { timeout: 30_000 }).toBe(true)
}

function findChromium(): string | null {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    const found = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' })
    if (found.status === 0) return found.stdout.trim()
  }
  return null
}

function installChromium(): string | null {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
  for (const words of [['update'], ['install', '--yes', '--no-install-recommends', 'chromium']]) {
    const [program, ...args] = [...sudo, 'apt-get', ...words]
    spawnSync(program!, args, { stdio: 'ignore', timeout: 600_000 })
  }
  return findChromium()
}
