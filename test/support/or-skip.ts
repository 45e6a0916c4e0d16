/**
 * What a test needs of others, or null, after one line that says why, where this machine cannot have it; under CI that is an error.
 * @param what it is called in that line
 */
export function orSkip<T>(what: string, get: () => T): T | null {
  try {
    return get()
  } catch (error) {
    const line = `tests: no ${what}: ${error instanceof Error ? error.message : String(error)}`
    if (process.env.CI === 'true') throw new Error(line)
    process.stderr.write(`${line}; skipped\n`)
    return null
  }
}
