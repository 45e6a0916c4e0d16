import { ReplayError } from '../errors.ts'

/** What `import 'chronicle-replay'` gives a job module: all of the library, which lies above this room. */
interface JobLibrary {
  /** Module that provides it, for threads: they import it, too. */
  readonly url: string
  load(): Promise<unknown>
}

let provided: JobLibrary | null = null

/** Says where the library is; to be called before a job is loaded, by whoever starts it all. */
export function provideLibrary(url: string, load: () => Promise<unknown>): void {
  provided = { url, load }
}

/** @throws ReplayError bug `job-library` when nobody provided it */
export function jobLibrary(): JobLibrary {
  if (provided !== null) return provided
  throw new ReplayError('job-library', 'a job is loaded, but nothing provided the library: import provide-library.ts', { category: 'bug' })
}
