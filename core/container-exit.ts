import { EXIT_AGAIN } from './errors.ts'

/**
 * The exit code of a container for one of the command's: with a 1 in front, as codes of killed processes have, but for 0 and what may go
 * well the next time. So one rule of Batch names all that is not tried again, and what has no exit code is: a container that did not start.
 */
export function containerCodeOf(code: number): number {
  return code === 0 || code === EXIT_AGAIN ? code : Number(`1${code}`)
}

/** The command's exit code for a container's; null: it was not the container's own. */
export function commandCodeOf(containerCode: number): number | null {
  return [2, 3, 4, 70, EXIT_AGAIN, 0].find((code) => containerCodeOf(code) === containerCode) ?? null
}
