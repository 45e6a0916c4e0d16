import { ReplayError } from '../core/errors.ts'

/** What `doctor` found of one thing that a run needs. */
export interface Check {
  readonly name: string
  /** `warn`: a run may go without it, or it could not be found out. */
  readonly state: 'ok' | 'warn' | 'fail'
  /** What was found; where that is not right, what to do. */
  readonly message: string
}

export function ok(name: string, message: string): Check {
  return { name, state: 'ok', message }
}

export function warn(name: string, message: string): Check {
  return { name, state: 'warn', message }
}

export function fail(name: string, message: string): Check {
  return { name, state: 'fail', message }
}

/** A check whose error is what it found: one that forbids to look leaves it open. */
export async function checked(name: string, look: () => Promise<Check>): Promise<Check> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof ReplayError) || error.category === 'bug') throw error
    if (error.code === 'aws-denied') return warn(name, `not to be found out: ${error.message}`)
    return fail(name, error.message)
  }
}
